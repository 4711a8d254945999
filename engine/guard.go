package engine

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// ClickHouse 26.7 as a library does not notice that a write failed for lack of space: it goes on, and takes a part
// whose files are cut short or empty for whole, one that it has just inserted as well as one that replaces others by a
// merge. But it counts failed writes. So as soon as the count grows the process is killed, before it removes the parts
// that a merge has replaced (old_parts_lifetime), and started again when there is room: then it finds the broken parts,
// puts them aside, and takes the replaced ones back. And no statement counts as done before none of its writes is known
// to have failed, so that an insert that was broken is repeated: ClickHouse sends with an insert what it counted for it
// (Watch), of others the count of the whole process is asked for (Intact).

const (
	// watchInterval is how often failed writes are looked for while space is short, and calmInterval while there is
	// plenty; without room it is diskInterval. Each is short beside old_parts_lifetime.
	watchInterval = time.Second
	calmInterval  = 5 * time.Second

	// corruptPause is how long a second complaint about the same damage starts nothing: what a start does not mend,
	// another one does not either.
	corruptPause = 5 * time.Minute
)

// failedWrite is what ClickHouse counts failed writes as.
const failedWrite = "WriteBufferFromFileDescriptorWriteFailed"

//go:embed sql/failed_writes.sql
var failedWritesSQL string

// ErrLostWrite tells that ClickHouse lost a write for lack of space: what was just acknowledged may not be stored, and
// has to be sent again.
var ErrLostWrite = errors.New("ClickHouse lost a write on a full disk and starts again; what it acknowledged has to " +
	"be repeated")

// Disk is what watches the disk of the data.
func (c *ClickHouse) Disk() *Disk { return c.disk }

func (c *ClickHouse) openDisk() (err error) {
	if c.disk = c.config.Disk; c.disk != nil {
		return c.disk.Err()
	}
	if c.disk, err = WatchDisk(c.config.Dir, c.config.Logger); err == nil {
		c.ownDisk = true
	}
	return err
}

func (c *ClickHouse) closeDisk() {
	if c.ownDisk {
		c.disk.Close()
	}
}

// begin notes that a new process serves from now on.
func (c *ClickHouse) begin(ctx context.Context, child *process) error {
	conn, err := c.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	c.mu.Lock()
	lost := c.lost
	c.mu.Unlock()
	if err := c.heal(ctx, conn, lost); err != nil {
		return err
	}
	failed, err := failedWrites(ctx, conn)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch, c.baseline, c.lost = c.epoch+1, failed, false
	return nil
}

// Epoch names the present process: it grows with each start.
func (c *ClickHouse) Epoch() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// Intact returns nil when all writes of the process that began with epoch have succeeded until now, so that what it
// acknowledged is stored. Otherwise it has the process replaced, and its error wraps [ErrLostWrite].
func (c *ClickHouse) Intact(ctx context.Context, conn driver.Conn, epoch uint64) error {
	failed, err := failedWrites(ctx, conn)
	if err != nil {
		return err
	}
	c.mu.Lock()
	now, baseline := c.epoch, c.baseline
	c.mu.Unlock()
	switch {
	case now != epoch:
		return ErrLostWrite
	case failed > baseline:
		c.replace(epoch, fmt.Sprintf("%d writes failed", failed-baseline), true)
		return ErrLostWrite
	}
	return nil
}

// Insert is an insert whose writes ClickHouse counts, of a block or of what a statement says, again and again.
type Insert struct {
	engine  *ClickHouse
	epoch   uint64
	counted bool  // something was sent with it
	failed  int64 // of its writes
}

// Watch returns an insert, and the context to prepare it with.
func (c *ClickHouse) Watch(ctx context.Context) (context.Context, *Insert) {
	in := &Insert{engine: c}
	return clickhouse.Context(ctx, clickhouse.WithProfileEvents(in.count)), in
}

func (in *Insert) count(events []clickhouse.ProfileEvent) {
	in.counted = in.counted || len(events) > 0
	for i := range events {
		if events[i].Name == failedWrite {
			in.failed += events[i].Value
		}
	}
}

// Begin is called before the block is sent.
func (in *Insert) Begin() { in.epoch, in.counted, in.failed = in.engine.Epoch(), false, 0 }

// Intact returns nil when the block was acknowledged and each of its writes has succeeded. It is what
// [ClickHouse.Intact] is for others, without a statement of its own: that a merge failed meanwhile, guard notices.
func (in *Insert) Intact(ctx context.Context, conn driver.Conn) error {
	switch {
	case !in.counted:
		return in.engine.Intact(ctx, conn, in.epoch)
	case in.failed > 0:
		in.engine.replace(in.epoch, fmt.Sprintf("%d writes of an insert failed", in.failed), true)
		return ErrLostWrite
	case in.engine.Epoch() != in.epoch:
		return ErrLostWrite
	}
	return nil
}

// Corrupt tells that a query found a part that cannot be read. The engine starts again, for the parts that it replaced
// may still be there.
func (c *ClickHouse) Corrupt(cause error) {
	c.mu.Lock()
	epoch, now := c.epoch, time.Now()
	pause := now.Sub(c.corrupt) < corruptPause
	if !pause {
		c.corrupt = now
	}
	c.mu.Unlock()
	if !pause {
		c.replace(epoch, "a part cannot be read: "+cause.Error(), false)
	}
}

// replace kills the process that began with epoch; supervise starts another one when there is room.
// lostWrites says that nobody was told that its last inserts are done.
func (c *ClickHouse) replace(epoch uint64, reason string, lostWrites bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch || c.doomed != "" || c.life.Err() != nil {
		return
	}
	c.doomed, c.lost = reason, c.lost || lostWrites
	c.renewed++
	// From here on nothing that this process acknowledges counts.
	c.epoch++
	_ = c.process.command.Process.Kill()
}

// wanted returns why the process that has ended was killed, "" when it ended by itself.
func (c *ClickHouse) wanted() (reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	reason, c.doomed = c.doomed, ""
	return reason
}

// Renewed is how often the process was replaced because it lost writes or could not read a part.
func (c *ClickHouse) Renewed() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.renewed
}

// guard stops merges while there is no room, and replaces a process that has lost a write.
func (c *ClickHouse) guard() {
	conn, err := c.connect()
	if err != nil {
		c.config.Logger.Error("the disk is not guarded", "error", err)
		return
	}
	defer conn.Close()
	var stoppedIn uint64 // the epoch in which merges were stopped, 0 when they run
	looked := time.Time{}
	for every := time.NewTicker(diskInterval); ; {
		select {
		case <-c.ended:
			every.Stop()
			return
		case <-c.life.Done():
			every.Stop()
			return
		case <-every.C:
		}
		epoch, state := c.Epoch(), c.disk.Usage().State
		full := state == DiskFull
		if full || time.Since(looked) >= watchInterval && state != DiskOK || time.Since(looked) >= calmInterval {
			looked = time.Now()
			ctx, cancel := context.WithTimeout(c.life, 5*time.Second)
			_ = c.Intact(ctx, conn, epoch) // replaces the process; one that does not answer is looked at again
			cancel()
		}
		if stoppedIn != 0 && stoppedIn != epoch {
			stoppedIn = 0 // another process, which merges
		}
		if full == (stoppedIn != 0) {
			continue
		}
		statement, next := "SYSTEM START MERGES", uint64(0)
		if full {
			statement, next = "SYSTEM STOP MERGES", epoch
		}
		ctx, cancel := context.WithTimeout(c.life, 5*time.Second)
		if err := conn.Exec(ctx, statement); err == nil {
			stoppedIn = next
		}
		cancel()
	}
}

// removeEmptyFiles removes definitions of tables and mutations that a full disk left empty: ClickHouse would not start
// with them. Nobody was told that they are there.
func (c *ClickHouse) removeEmptyFiles() error {
	for _, pattern := range []string{"*.sql", "mutation_*.txt"} {
		// Tables and their definitions lie in folders by the beginning of their id.
		names, err := filepath.Glob(filepath.Join(c.config.Dir, "store", "store", "*", "*", pattern))
		if err != nil {
			return fmt.Errorf("look for empty files: %w", err)
		}
		for _, name := range names {
			if info, err := os.Stat(name); err != nil || info.Size() > 0 {
				continue
			}
			c.config.Logger.Error("a full disk left a file of ClickHouse empty; it is removed", "file", name)
			if err := os.Remove(name); err != nil {
				return fmt.Errorf("remove empty file: %w", err)
			}
		}
	}
	return nil
}

func (c *ClickHouse) connect() (driver.Conn, error) {
	options, err := clickhouse.ParseDSN(c.DSN())
	if err != nil {
		return nil, fmt.Errorf("read own address: %w", err)
	}
	options.MaxOpenConns, options.MaxIdleConns, options.DialTimeout, options.DialContext = 2, 1, 2*time.Second, c.Dial
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("connect to embedded ClickHouse: %w", err)
	}
	return conn, nil
}

func failedWrites(ctx context.Context, conn driver.Conn) (count uint64, err error) {
	if err := conn.QueryRow(ctx, failedWritesSQL).Scan(&count); err != nil {
		return 0, fmt.Errorf("ask ClickHouse for failed writes: %w", err)
	}
	return count, nil
}
