// go.go - the same between goroutines on two Ps: wall clock time.
//
// go    functions sent through a channel, each run there as a goroutine
// chan  numbers through a channel with room for as many as are under way there
// trip  there and back through two channels, nothing else to do
// busy  there and back, while goroutines take turns on both Ps all the time
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

const window = 1024

func stream(total int) {
	c, done := make(chan int, window), make(chan bool)
	go func() {
		for i := 0; i < total; i++ {
			<-c
		}
		done <- true
	}()
	for i := 0; i < total; i++ {
		c <- i
	}
	<-done
}

func spawn(total int) {
	c, done := make(chan func(), window), make(chan bool)
	var count int64
	go func() {
		for i := 0; i < total; i++ {
			go (<-c)()
		}
	}()
	for i := 0; i < total; i++ {
		c <- func() {
			if atomic.AddInt64(&count, 1) == int64(total) {
				done <- true
			}
		}
	}
	<-done
}

func trip(total int) {
	forth, back := make(chan int), make(chan int)
	go func() {
		for i := range forth {
			back <- i
		}
	}()
	for i := 0; i < total; i++ {
		forth <- i
		<-back
	}
	close(forth)
}

func busy(total int) {
	var over int32
	for i := 0; i < 2; i++ {
		go func() {
			for atomic.LoadInt32(&over) == 0 {
				runtime.Gosched()
			}
		}()
	}
	trip(total)
	atomic.StoreInt32(&over, 1)
}

func main() {
	runtime.GOMAXPROCS(2)
	benches := []struct {
		name  string
		run   func(int)
		total int
	}{{"go", spawn, 3000000}, {"chan", stream, 10000000}, {"trip", trip, 100000}, {"busy", busy, 20000}}
	for _, b := range benches {
		if len(os.Args) > 1 && os.Args[1] != b.name {
			continue
		}
		begun := time.Now()
		b.run(b.total)
		fmt.Printf("%s %.1f ns\n", b.name, float64(time.Since(begun).Nanoseconds())/float64(b.total))
	}
}
