import { doorsContract } from "./contract/doors.ts";
import { endingsContract } from "./contract/endings.ts";
import { fanoutContract } from "./contract/fanout.ts";
import { handshakeContract } from "./contract/handshake.ts";
import { hostileContract } from "./contract/hostile.ts";
import { messagesContract } from "./contract/messages.ts";
import { pressureContract } from "./contract/pressure.ts";
import { serverContract } from "./contract/server.ts";
import { subjects } from "./contract/subjects.ts";

for (const subject of subjects) {
  handshakeContract(subject);
  doorsContract(subject);
  messagesContract(subject);
  endingsContract(subject);
  pressureContract(subject);
  serverContract(subject);
  hostileContract(subject);
  fanoutContract(subject);
  const each = { ...subject, name: `${subject.name}, each by itself`, fanout: "each" } as const;
  messagesContract(each);
  pressureContract(each);
  fanoutContract(each);
}
