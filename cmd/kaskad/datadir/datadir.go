// Package datadir tells what a data directory says of the kaskad that runs on it.
package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"kaskad/engine"
)

// Running says where the embedded services of a data directory listen, so that replay, simulate and check can reach
// them. The file can be read by its owner alone, for it holds the password of this start.
type Running struct {
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

// RunningFile is where a data directory says that.
const RunningFile = "running.json"

// AdminKeyFile is where the first admin key of a data directory is left, for its owner alone.
const AdminKeyFile = "admin.key"

// Replace writes a new file that its owner alone can read, and puts it in the place of an old one.
func Replace(path string, body []byte) error {
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

// ReadRunning returns where the services of a data directory listen, and false when nobody listens there. A process
// that was killed leaves its file behind, and anybody could have its ports by then: so the file counts only while its
// writer has the directory.
func ReadRunning(dir string) (Running, bool) {
	var at Running
	body, err := os.ReadFile(filepath.Join(dir, RunningFile))
	if err != nil || json.Unmarshal(body, &at) != nil {
		return at, false
	}
	return at, at.PID != 0 && at.PID == engine.Holder(filepath.Join(dir, "clickhouse"))
}

// CheckAttachable refuses a directory on which a command would have to make a database of its own: the events would go
// where nobody looks, or the answer would be about nothing. live: data that nobody runs on won't do.
func CheckAttachable(dir string, live bool) error {
	hint := ""
	if _, err := os.Stat(filepath.Join(dir, "demo", RunningFile)); err == nil {
		hint = fmt.Sprintf("; a demo runs on %s: say --data %s", filepath.Join(dir, "demo"), filepath.Join(dir, "demo"))
	}
	if _, err := os.Stat(filepath.Join(dir, "clickhouse")); err != nil {
		return fmt.Errorf("--data: %s holds no kaskad%s; start `kaskad run`, or name real services with --kafka and "+
			"--clickhouse", dir, hint)
	}
	if live {
		return fmt.Errorf("--data: no kaskad runs on %s%s; start `kaskad run`, or name another target", dir, hint)
	}
	return nil
}
