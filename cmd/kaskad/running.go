package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kaskad/cmd/kaskad/datadir"
)

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
	at := datadir.Running{Clickhouse: st.clickhouse.DSN(), Kafka: st.brokers, KafkaPassword: st.brokerSecret,
		API: api, TLS: tls, PID: os.Getpid()}
	if st.fixed {
		at.Now = st.now().Format(time.RFC3339Nano)
	}
	body, err := json.Marshal(at)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, datadir.RunningFile)
	if err := datadir.Replace(path, body); err != nil {
		return nil, fmt.Errorf("say where the services listen: %w", err)
	}
	return func() { _ = os.Remove(path) }, nil
}
