package engine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"time"
)

var (
	//go:embed config.xml
	configXML string
	//go:embed users.xml
	usersXML string
)

// command is `clickhouse local` with its port open. It reads its queries
// from two files: the first opens the port, the second is standard input, which
// it reads to the end before it does anything, so it serves until the pipe
// closes. (A query over standard input would do as well, but needs rights that
// user default should not have.)
func (c *ClickHouse) command(port int) (*exec.Cmd, error) {
	dir := c.config.Dir
	args := []string{
		"--path=" + filepath.Join(dir, "store"),
		"--config-file=" + filepath.Join(dir, "config.xml"),
		"--listen_host=127.0.0.1",
		"--log-level=warning",
		fmt.Sprintf("--tcp_port=%d", port),
		"--queries-file", filepath.Join(dir, "listen.sql"),
		"--queries-file", "/dev/stdin",
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own executable: %w", err)
	}
	command := exec.Command(executable, args...)
	command.Args[0] = "clickhouse"
	command.Dir = dir
	command.Env = []string{
		"TZ=UTC", "PATH=" + os.Getenv("PATH"), "HOME=" + dir,
		childJailEnv + "=" + strconv.Itoa(port),
		childEnv + "=" + c.found.library,
		childBinaryEnv + "=" + c.found.binary,
		childStampEnv + "=" + c.stampFile(),
		// Go's preemption signals would interrupt ClickHouse's threads for no benefit.
		"GODEBUG=asyncpreemptoff=1",
	}
	if c.found.binary != "" {
		command.Args = append([]string{"clickhouse", "local"}, args...)
	}
	if c.config.Kafka {
		command.Env = append(command.Env, childConnectEnv+"=1")
	}
	return command, nil
}

// writeConfig writes the files that ClickHouse reads at start. The password is
// in none of them, only its hash.
func (c *ClickHouse) writeConfig() error {
	empty := filepath.Join(c.config.Dir, "empty")
	if err := os.MkdirAll(empty, 0o700); err != nil {
		return fmt.Errorf("make a directory without files: %w", err)
	}
	hash := sha256.Sum256([]byte(c.password))
	values := map[string]any{
		"Users":          filepath.Join(c.config.Dir, "users.xml"),
		"Log":            filepath.Join(c.config.Dir, "clickhouse.log"),
		"Empty":          empty + "/",
		"MaxMemory":      c.config.MaxMemory,
		"KeepFree":       Reserve(c.disk.Usage().Total),
		"Cores":          max(2, runtime.NumCPU()),
		"Share":          c.gate.guarded,
		"ReadMethod":     readMethod(c.lock),
		"User":           User,
		"PasswordSHA256": hex.EncodeToString(hash[:]),
		"Database":       Database,
		"Databases":      Database,
		"Engines": strings.Fields("MergeTree ReplacingMergeTree AggregatingMergeTree CollapsingMergeTree " +
			"EmbeddedRocksDB Memory Null Atomic"),
		"SystemTables": strings.Fields("columns databases detached_parts disks events merge_tree_settings merges " +
			"mutations numbers one parts " +
			"processes tables time_zones"),
		"Grants": c.config.grants(),
	}
	if c.config.Databases {
		values["Databases"] = Database + "*"
	}
	escape := template.FuncMap{"xml": func(text string) (string, error) {
		var out strings.Builder
		err := xml.EscapeText(&out, []byte(text))
		return out.String(), err
	}}
	for name, text := range map[string]string{
		"config.xml": configXML,
		"users.xml":  usersXML,
		"listen.sql": "SYSTEM START LISTEN TCP;\n",
	} {
		parsed, err := template.New(name).Funcs(escape).Parse(text)
		if err != nil {
			return fmt.Errorf("parse %s: %w", name, err)
		}
		var out strings.Builder
		if err := parsed.Execute(&out, values); err != nil {
			return fmt.Errorf("fill %s: %w", name, err)
		}
		if err := replaceFile(filepath.Join(c.config.Dir, name), []byte(out.String()), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// grants are the rights that a configuration adds.
func (config Config) grants() []string {
	grants := config.rights
	if config.Databases {
		grants = append(grants, "CREATE DATABASE, DROP DATABASE ON "+Database+"*.*")
	}
	if config.Kafka {
		grants = append(grants, "READ ON KAFKA", "TABLE ENGINE ON Kafka")
	}
	return grants
}

// checkBinary compares the version of an official clickhouse binary with the
// data. The library does that itself, see runLibrary.
func (c *ClickHouse) checkBinary(ctx context.Context) error {
	if c.found.binary == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, c.found.binary, "local", "--version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("ask %s for its version: %w", c.found.binary, err)
	}
	version := regexp.MustCompile(`\d+\.\d+[.\d]*`).FindString(string(output))
	if version == "" {
		return fmt.Errorf("ask %s for its version: it answered %q", c.found.binary, output)
	}
	return checkStamp(c.stampFile(), version)
}

// randomPassword returns 128 random bits in letters that never need escaping.
func randomPassword() (string, error) {
	var secret [16]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", fmt.Errorf("make password: %w", err)
	}
	return hex.EncodeToString(secret[:]), nil
}
