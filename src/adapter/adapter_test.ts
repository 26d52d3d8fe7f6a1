import { handshakeContract } from "./contract/handshake.ts";
import { messagesContract } from "./contract/messages.ts";
import { subjects } from "./contract/subjects.ts";

for (const subject of subjects) {
  handshakeContract(subject);
  messagesContract(subject);
}
