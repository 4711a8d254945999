package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"kaskad/engine"
)

// killedHarness makes the test binary one that starts kaskad and is killed.
const killedHarness = "TEST_KILLED_HARNESS"

// A test binary that is killed leaves no kaskad behind, which would keep its ports, its memory and a processor.
func TestHarness_Killed_EndsKaskad(t *testing.T) {
	if os.Getenv(killedHarness) != "" {
		k := newKaskad(t)
		k.first = true // nobody would remove what others are copied from
		k.start("")
		k.waitReady()
		fmt.Println("started", k.cmd.Process.Pid, childrenOf(k.cmd.Process.Pid, true)[0])
		<-k.ended
		return
	}
	newKaskad(t) // asks for the engine, and to run beside others
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), killedHarness+"=1", "TMPDIR="+t.TempDir())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	wait, err := engine.StartBound(cmd)
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for lines := bufio.NewScanner(stdout); len(pids) == 0 && lines.Scan(); {
		var kaskad, clickhouse int
		if n, _ := fmt.Sscanf(lines.Text(), "started %d %d", &kaskad, &clickhouse); n == 2 {
			pids = []int{kaskad, clickhouse}
		}
	}
	_ = cmd.Process.Kill()
	_ = wait()
	if len(pids) == 0 {
		t.Fatal("no kaskad was started")
	}
	for _, pid := range pids {
		for began := time.Now(); alive(pid); time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > 30*time.Second {
				t.Fatalf("process %d runs on", pid)
			}
		}
	}
}

// alive reports whether a process runs: one that waits to be reaped has no command line any more.
func alive(pid int) bool {
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.TrimSpace(string(command)) != ""
}
