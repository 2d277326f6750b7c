// go.go - the echo server, on Go with one CPU: a goroutine for each connection.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"time"
)

func echo(conn net.Conn, size int) {
	buf := make([]byte, size)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			break
		}
		if _, err = conn.Write(buf[:n]); err != nil {
			break
		}
	}
	conn.Close()
}

func main() {
	runtime.GOMAXPROCS(1)
	size := 8192
	if len(os.Args) > 1 {
		size, _ = strconv.Atoi(os.Args[1])
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	time.AfterFunc(600*time.Second, func() { os.Exit(1) })
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go echo(conn, size)
	}
}
