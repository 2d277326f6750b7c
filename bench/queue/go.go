// go.go - the same with Go's channels, as ramet.c does it with queues; bench.h
// says what is printed.
package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

const roundNs = 20e6

var (
	item, text string
	param      int
	rounds     int
	locked     bool
)

func cpuNs() int64 {
	const processCPU = 2 // CLOCK_PROCESS_CPUTIME_ID
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, processCPU, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

func report(ending string, value float64, note string) {
	fmt.Printf("%s%s\tgo\t%s\t%.6g\tns\t%s\n", item, ending, text, value, note)
}

func least(run func(n int) int64, n int) float64 {
	for run(n) < roundNs {
		n *= 2
	}
	best := int64(math.MaxInt64)
	for i := 0; i < rounds; i++ {
		if took := run(n); took < best {
			best = took
		}
	}
	return float64(best) / float64(n)
}

func stream(n int) int64 {
	from := cpuNs()
	there := make(chan int, param)
	go func() {
		for i := 0; i < n; i++ {
			there <- i
		}
	}()
	for i := 0; i < n; i++ {
		<-there
	}
	return cpuNs() - from
}

func roundTrips(n int) int64 {
	there, back := make(chan int, param), make(chan int, param)
	go func() {
		for v := range there {
			back <- v
		}
	}()
	from := cpuNs()
	for i := 0; i < n; i++ {
		there <- i
		<-back
	}
	from = cpuNs() - from
	close(there)
	return from
}

func cross(n int) int64 {
	from := time.Now()
	there := make(chan int, param)
	if locked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	go func() {
		if locked {
			runtime.LockOSThread()
		}
		for i := 0; i < n; i++ {
			there <- i
		}
	}()
	for i := 0; i < n; i++ {
		<-there
	}
	return int64(time.Since(from))
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintf(os.Stderr, "usage: %s ITEM PARAMETER ROUNDS\n", os.Args[0])
		os.Exit(2)
	}
	item, text = os.Args[1], os.Args[2]
	param, _ = strconv.Atoi(text)
	rounds, _ = strconv.Atoi(os.Args[3])
	runtime.GOMAXPROCS(1)
	switch item {
	case "stream":
		report("", least(stream, 10000), "chan int")
	case "pingpong":
		report("", least(roundTrips, 1000), "chan int")
	case "cross":
		runtime.GOMAXPROCS(2)
		report("-free", least(cross, 10000), "wherever the goroutines run")
		locked = true
		report("", least(cross, 10000), "goroutines locked to OS threads")
	default:
		os.Exit(2)
	}
}
