package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kaskad/engine"
)

// running says where the embedded services of a data directory listen, so that replay, simulate and check can reach
// them. The file can be read by its owner alone, for it holds the password of this start.
type running struct {
	Clickhouse string   `json:"clickhouse"`
	Kafka      []string `json:"kafka"`
	// KafkaPassword logs in at the broker, "" where it asks for nothing.
	KafkaPassword string `json:"kafka_password,omitempty"`
	API           string `json:"api"`
	// TLS: the API speaks it.
	TLS bool `json:"tls,omitempty"`
	// PID is the process that wrote the file. While it lives and has the directory, the addresses are its own.
	PID int `json:"pid"`
	// Now is the clock of --now; empty when it goes with the machine's.
	Now string `json:"now,omitempty"`
}

const runningFile = "running.json"

// announceEvery is how often writing the file is retried.
const announceEvery = time.Second

// announce writes the file, and keeps trying if that fails: a disk that is full now may have room later. The function
// it returns stops that and removes the file.
func (st *stack) announce(dir, api string, tls bool) (forget func()) {
	remove, err := st.writeRunning(dir, api, tls)
	if err == nil {
		return remove
	}
	st.logger.Warn("replay, simulate and check do not find this process yet", "error", err, "retry_in", announceEvery)
	stop := make(chan struct{})
	var trying sync.WaitGroup
	trying.Go(func() {
		tick := time.NewTicker(announceEvery)
		defer tick.Stop()
		for err != nil {
			select {
			case <-stop:
				return
			case <-tick.C:
				remove, err = st.writeRunning(dir, api, tls)
			}
		}
	})
	return func() {
		close(stop)
		trying.Wait()
		if err == nil {
			remove()
		}
	}
}

// writeRunning writes the file and returns what removes it.
func (st *stack) writeRunning(dir, api string, tls bool) (func(), error) {
	if st.clickhouse == nil || st.broker == nil {
		return func() {}, nil
	}
	at := running{Clickhouse: st.clickhouse.DSN(), Kafka: st.brokers, KafkaPassword: st.brokerSecret,
		API: api, TLS: tls, PID: os.Getpid()}
	if st.fixed {
		at.Now = st.now().Format(time.RFC3339Nano)
	}
	body, err := json.Marshal(at)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, runningFile)
	if err := replace(path, body); err != nil {
		return nil, fmt.Errorf("say where the services listen: %w", err)
	}
	return func() { _ = os.Remove(path) }, nil
}

// replace writes a new file that its owner alone can read, and puts it in the place of an old one.
func replace(path string, body []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// readRunning returns where the services of a data directory listen, and false when nobody listens there. A process
// that was killed leaves its file behind, and anybody could have its ports by then: so the file counts only while its
// writer has the directory.
func readRunning(dir string) (running, bool) {
	var at running
	body, err := os.ReadFile(filepath.Join(dir, runningFile))
	if err != nil || json.Unmarshal(body, &at) != nil {
		return at, false
	}
	return at, at.PID != 0 && at.PID == engine.Holder(filepath.Join(dir, "clickhouse"))
}

// checkAttachable refuses a directory on which a command would have to make a database of its own: the events would go
// where nobody looks, or the answer would be about nothing.
func checkAttachable(dir string, how attachment) error {
	hint := ""
	if _, err := os.Stat(filepath.Join(dir, "demo", runningFile)); err == nil {
		hint = fmt.Sprintf("; a demo runs on %s: say --data %s", filepath.Join(dir, "demo"), filepath.Join(dir, "demo"))
	}
	if _, err := os.Stat(filepath.Join(dir, "clickhouse")); err != nil {
		return fmt.Errorf("--data: %s holds no kaskad%s; start `kaskad run`, or name real services with --kafka and "+
			"--clickhouse", dir, hint)
	}
	if how == attachToLive {
		return fmt.Errorf("--data: no kaskad runs on %s%s; start `kaskad run`, or name another target", dir, hint)
	}
	return nil
}
