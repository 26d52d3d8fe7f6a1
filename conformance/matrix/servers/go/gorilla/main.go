package main

import (
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
	"servers/version"
)

var limit, _ = strconv.ParseInt(os.Getenv("MAX_MESSAGE"), 10, 64)

var upgrader = websocket.Upgrader{
	EnableCompression: true,
	CheckOrigin:       func(*http.Request) bool { return true },
}

func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetReadLimit(limit)
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		// Its documentation leaves this to the application.
		if kind == websocket.TextMessage && !utf8.Valid(message) {
			invalid := websocket.FormatCloseMessage(websocket.CloseInvalidFramePayloadData, "")
			conn.WriteControl(websocket.CloseMessage, invalid, time.Now().Add(time.Second))
			return
		}
		if err := conn.WriteMessage(kind, message); err != nil {
			return
		}
	}
}

func main() {
	version.Print("github.com/gorilla/websocket")
	http.HandleFunc("/", echo)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
