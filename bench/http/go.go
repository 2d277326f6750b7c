// go.go - net/http on one thread.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
)

func main() {
	files := flag.String("f", "", "serve the files of this directory")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	hello := []byte("Hello, world\n")
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write(hello)
	})
	if *files != "" {
		handler = http.FileServer(http.Dir(*files))
	}
	fmt.Fprintln(os.Stderr, http.Serve(l, handler))
}
