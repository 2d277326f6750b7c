// Talk to the server as Go's own client does, from several goroutines.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

func ask(url string, n int) error {
	body := bytes.Repeat([]byte("0123456789"), n)
	for _, reader := range []io.Reader{bytes.NewReader(body), io.MultiReader(bytes.NewReader(body))} {
		answer, err := http.Post(url+"/echo", "text/plain", reader)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || !bytes.Equal(got, body) {
			return fmt.Errorf("%d bytes of %d: %v", len(got), len(body), err)
		}
	}
	return nil
}

func main() {
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			for n := 1; n < 30; n++ {
				if err := ask(os.Args[1], n*n*(i+1)); err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
			}
		}(i)
	}
	all.Wait()
	fmt.Println("good")
}
