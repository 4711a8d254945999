package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"kaskad/engine"
)

// soakDiskBytes is the size of a disk that is to be filled: what a schedule stores fits, and 5 % that kaskad
// wants to see free.
const soakDiskBytes = 600 << 20

// soakDisk is a small file system of its own. A filler file takes what is free.
type soakDisk struct {
	t     *testing.T
	mount string
}

// mountSoakDisk mounts a file system below dir, which only root can.
func mountSoakDisk(t *testing.T, kind, dir string) (*soakDisk, error) {
	d := &soakDisk{t: t, mount: filepath.Join(dir, "disk")}
	if err := os.MkdirAll(d.mount, 0o755); err != nil {
		return nil, err
	}
	if kind == "tmpfs" {
		return d, runSoak("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", soakDiskBytes), "tmpfs", d.mount)
	}
	image := filepath.Join(dir, "disk.img")
	file, err := os.Create(image)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := file.Truncate(soakDiskBytes); err != nil {
		return nil, err
	}
	if err := runSoak("mkfs.ext4", "-q", "-m", "0", image); err != nil {
		return nil, err
	}
	return d, runSoak("mount", "-o", "loop", image, d.mount)
}

// runSoak runs a command of the system.
func runSoak(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (d *soakDisk) filler() string { return filepath.Join(d.mount, "filler") }

// fill takes what is free but for so many bytes, and all of it for 0, in so many steps.
func (d *soakDisk) fill(leave int64, steps int) error {
	file, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	block := make([]byte, 256<<10)
	rest := max(0, freeBytes(d.t, d.mount)-leave)
	for i := range steps {
		for part := rest*int64(i+1)/int64(steps) - rest*int64(i)/int64(steps); part > 0; part -= int64(len(block)) {
			_, err := file.Write(block[:min(part, int64(len(block)))])
			if errors.Is(err, syscall.ENOSPC) {
				break
			}
			if err != nil {
				return err
			}
		}
		if i+1 < steps {
			time.Sleep(100 * time.Millisecond)
		}
	}
	for leave == 0 { // what was freed in the meantime, to the last page
		_, err := file.Write(block[:4096])
		if errors.Is(err, syscall.ENOSPC) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// breathe lets a little of a full disk go and takes it again, over and over: what was promised to a writer is gone when
// it writes.
func (d *soakDisk) breathe(random *rand.Rand, span time.Duration) error {
	for began := time.Now(); time.Since(began) < span; {
		info, err := os.Stat(d.filler())
		if err != nil {
			return err
		}
		if err := os.Truncate(d.filler(), max(0, info.Size()-int64(1+random.IntN(12))<<20)); err != nil {
			return err
		}
		time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
		if err := d.fill(0, 1); err != nil {
			return err
		}
		time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
	}
	return nil
}

func (d *soakDisk) release() { _ = os.Remove(d.filler()) }

// keep copies the data of a schedule that failed to a disk that stays.
func (d *soakDisk) keep(to string) {
	if err := runSoak("cp", "-a", filepath.Join(d.mount, "data"), to); err != nil {
		d.t.Error(err)
	}
}

func (d *soakDisk) unmount() {
	var err error
	for range 50 { // the last of the processes may be on its way out
		if err = runSoak("umount", d.mount); err == nil {
			_ = os.Remove(d.mount + ".img")
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	d.t.Error(err)
}

// soakFill fills the disk for a while, at once or slowly: to where kaskad takes no more, to the last byte, or with a
// little that comes and goes.
func soakFill(random *rand.Rand) soakAction {
	how, steps, millis := random.IntN(3), 1+7*random.IntN(2), 500+random.IntN(2500)
	kinds := [...]string{"disk full but for 20 MB", "disk full", "disk full and breathing"}
	name := fmt.Sprintf("%s in %d steps for %d ms", kinds[how], steps, millis)
	kill := random.IntN(4) == 0
	if kill {
		name += " with a kill in it"
	}
	return soakAction{name: name, do: func(s *soak) {
		if s.disk == nil {
			return
		}
		leave, half := int64(0), time.Duration(millis/2)*time.Millisecond
		if how == 0 {
			leave = 20 << 20
		}
		wait := func() {
			if how != 2 {
				time.Sleep(half)
			} else if err := s.disk.breathe(s.random, half); err != nil {
				s.t.Error(err)
			}
		}
		if err := s.disk.fill(leave, steps); err != nil {
			s.t.Error(err)
		}
		wait()
		if kill {
			s.restartWith("", s.now)
		}
		wait()
		s.disk.release()
	}}
}

// soakSchemas is how many older schemas a data directory may begin with.
const soakSchemas = 5

// buildOldSchema makes a data directory by the first migrations alone.
func (s *soak) buildOldSchema(version int) {
	s.t.Helper()
	config := engine.Config{Dir: filepath.Join(s.k.dir, "clickhouse"), Logger: slog.New(slog.DiscardHandler)}
	running, err := engine.StartClickHouse(s.t.Context(), config)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() {
		if err := running.Stop(context.WithoutCancel(s.t.Context())); err != nil {
			s.t.Error(err)
		}
	}()
	options, err := clickhouse.ParseDSN(running.DSN())
	if err != nil {
		s.t.Fatal(err)
	}
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if err := migrateTo(s.t.Context(), db, int64(version)); err != nil {
		s.t.Fatal(err)
	}
}

func migrateTo(ctx context.Context, db *sql.DB, version int64) error {
	files := os.DirFS(filepath.Join("..", "..", "schema", "migrations"))
	provider, err := goose.NewProvider(database.DialectClickHouse, db, files)
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}

// killMigrations begins `kaskad migrate` and kills it, a few times. Whatever is left of them, the next start completes
// the schema.
func (s *soak) killMigrations() {
	s.t.Helper()
	for range 1 + s.random.IntN(4) {
		s.k.launch([]string{asKaskad + "="}, []string{"migrate", "--data", s.k.dir, "--log-level", "warn"})
		s.pause(100, 1500)
		s.k.kill()
	}
}
