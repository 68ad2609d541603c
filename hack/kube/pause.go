package main

import (
	"os"
	"os/signal"
	"syscall"
)

// runPause is the pod sandbox's process: it holds the namespaces, reaps
// orphans, and ends at once when asked to.
func runPause() int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for s := range signals {
		if s != syscall.SIGCHLD {
			return 0
		}
		for {
			if pid, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 {
				break
			}
		}
	}
	return 0
}
