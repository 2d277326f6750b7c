// go.go - the items of the comparison, on Go with one CPU; bench.h says what is
// printed.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const roundNs = 20e6

var (
	item, text string
	param      int
	rounds     int
)

func cpuNs() int64 {
	const processCPU = 2 // CLOCK_PROCESS_CPUTIME_ID
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, processCPU, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

func report(ending string, value float64, unit, note string) {
	fmt.Printf("%s%s\tgo\t%s\t%.6g\t%s\t%s\n", item, ending, text, value, unit, note)
}

// CPU ns per operation; run(n) does n of them and returns what that took.
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

func yields(n int) int64 {
	var all sync.WaitGroup
	all.Add(param)
	for i := 0; i < param; i++ {
		go func() {
			for i := 0; i <= n/param; i++ {
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	runtime.Gosched()
	from := cpuNs()
	all.Wait()
	return cpuNs() - from
}

func yield() {
	report("", least(yields, param*50), "ns", "runtime.Gosched")
}

func oneByOne(n int) int64 {
	done := make(chan struct{})
	from := cpuNs()
	for i := 0; i < n; i++ {
		go func() { done <- struct{}{} }()
		<-done
	}
	return cpuNs() - from
}

func batches(n int) int64 {
	from := cpuNs()
	for ; n > 0; n -= param {
		var all sync.WaitGroup
		all.Add(param)
		for i := 0; i < param; i++ {
			go all.Done()
		}
		all.Wait()
	}
	return cpuNs() - from
}

func spawn() {
	if param == 1 {
		report("", least(oneByOne, 1), "ns", "joined through a channel")
	} else {
		report("", least(batches, param), "ns", "joined through a WaitGroup")
	}
}

func roundTrips(n int) int64 {
	there, back := make(chan int), make(chan int)
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

func channel() {
	report("", least(roundTrips, 1000), "ns", "capacity 0")
}

func fanIn(n int) int64 {
	there := make(chan int)
	for i := 0; i < param; i++ {
		go func() {
			for i := 0; i < n/param; i++ {
				there <- i
			}
		}()
	}
	runtime.Gosched()
	from := cpuNs()
	for i := 0; i < n/param*param; i++ {
		<-there
	}
	return cpuNs() - from
}

func fanin() {
	report("", least(fanIn, param*50), "ns", "capacity 0")
}

// Unlock does not pass the mutex on: one yield lets the other find it locked, a
// second lets it have it.
func handOffs(n int) int64 {
	var lock sync.Mutex
	var all sync.WaitGroup
	holder, handOvers := -1, 0
	lock.Lock()
	all.Add(2)
	for me := 0; me < 2; me++ {
		go func(me int) {
			for i := 0; i < n/2; i++ {
				lock.Lock()
				if holder != me {
					holder = me
					handOvers++
				}
				runtime.Gosched()
				lock.Unlock()
				runtime.Gosched()
			}
			all.Done()
		}(me)
	}
	runtime.Gosched()
	from := cpuNs()
	lock.Unlock()
	all.Wait()
	return (cpuNs() - from) * int64(n) / int64(handOvers)
}

func mutex() {
	report("", least(handOffs, 1000), "ns",
		"per change of owner, with a yield before and after unlock")
}

// A million empty jobs at a time: `param` workers share a channel, in which there is
// room for as many.
const jobs = 1000000

var args, values [jobs]int

//go:noinline
func job(arg int) int {
	return arg
}

func mapJobs(n int) int64 {
	numbers := make(chan int, param)
	var left, all sync.WaitGroup
	all.Add(param)
	for i := 0; i < param; i++ {
		go func() {
			for i := range numbers {
				values[i] = job(args[i])
				left.Done()
			}
			all.Done()
		}()
	}
	from := cpuNs()
	for ; n > 0; n -= jobs {
		left.Add(jobs)
		for i := range args {
			numbers <- i
		}
		left.Wait()
	}
	from = cpuNs() - from
	close(numbers)
	all.Wait()
	return from
}

func spawnJobs(n int) int64 {
	work := make(chan func(), param)
	var all sync.WaitGroup
	all.Add(param)
	for i := 0; i < param; i++ {
		go func() {
			for fn := range work {
				fn()
			}
			all.Done()
		}()
	}
	from := cpuNs()
	for ; n > 0; n-- {
		work <- func() { job(0) }
	}
	close(work)
	all.Wait()
	return cpuNs() - from
}

func pool() {
	for i := range args {
		args[i], values[i] = i, i
	}
	report("", least(mapJobs, jobs), "ns", "workers at a buffered channel")
	report("-spawn", least(spawnJobs, jobs), "ns", "functions through a buffered channel")
}

func sleepLength(id, i int) int64 {
	x := uint64(id)*1000003 + uint64(i) + 1
	x = (x ^ x>>31) * 0x9e3779b97f4a7c15
	x = (x ^ x>>29) * 0xbf58476d1ce4e5b9
	x ^= x >> 32
	return int64(x % 1e9)
}

// Each sleeps `rounds` times.
func sleep() {
	var all sync.WaitGroup
	var results sync.Mutex
	var late time.Duration
	earliest, early := time.Duration(math.MaxInt64), 0
	all.Add(param)
	for id := 0; id < param; id++ {
		go func(id int) {
			runtime.Gosched()
			for i := 0; i < rounds; i++ {
				ns := time.Duration(sleepLength(id, i))
				from := time.Now()
				time.Sleep(ns)
				l := time.Since(from) - ns
				results.Lock()
				late += l
				if l < 0 {
					early++
				}
				if l < earliest {
					earliest = l
				}
				results.Unlock()
			}
			all.Done()
		}(id)
	}
	runtime.Gosched()
	from := cpuNs()
	all.Wait()
	n := float64(param * rounds)
	report("", float64(cpuNs()-from)/n/1e3, "us", "")
	report("-late", float64(late)/n/1e6, "ms", "mean lateness")
	report("-earliest", float64(earliest)/1e6, "ms", "")
	report("-early", float64(early), "sleeps", "ended too early")
}

func statusBytes(field string) float64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); words[0] == field {
			kb, _ := strconv.ParseFloat(words[1], 64)
			return kb * 1024
		}
	}
	return 0
}

func park() {
	never := make(chan struct{})
	runtime.GC()
	rss, tables, cpu := statusBytes("VmRSS:"), statusBytes("VmPTE:"), cpuNs()
	for i := 0; i < param; i++ {
		go func() { <-never }()
	}
	runtime.Gosched()
	n := float64(param)
	cpu = cpuNs() - cpu
	rss = (statusBytes("VmRSS:") - rss) / n
	tables = (statusBytes("VmPTE:") - tables) / n
	maps, _ := os.ReadFile("/proc/self/maps")
	report("", rss+tables, "B", "growing stacks")
	report("-rss", rss, "B", "")
	report("-tables", tables, "B", "page tables")
	report("-mappings", float64(bytes.Count(maps, []byte("\n"))), "mappings", "")
	report("-create", float64(cpu)/n/1e3, "us", "CPU")
}

func main() {
	runtime.GOMAXPROCS(1)
	items := map[string]func(){
		"yield": yield, "spawn": spawn, "channel": channel, "fanin": fanin,
		"mutex": mutex, "sleep": sleep, "park": park,
		"pool": pool,
	}
	if len(os.Args) != 4 || items[os.Args[1]] == nil {
		fmt.Fprintf(os.Stderr, "usage: %s ITEM PARAMETER ROUNDS\n", os.Args[0])
		os.Exit(2)
	}
	item, text = os.Args[1], os.Args[2]
	param, _ = strconv.Atoi(text)
	rounds, _ = strconv.Atoi(os.Args[3])
	items[item]()
}
