package query

import (
	"context"
	_ "embed"
	"fmt"
)

//go:embed sql/disk.sql
var diskSQL string

// diskStateFull is the state of a disk on which nothing is written; the others are "ok" and "warning", below a tenth.
const diskStateFull = "full"

// Disk is the room that there is for data.
type Disk struct {
	FreeBytes  uint64 `json:"free_bytes"`
	TotalBytes uint64 `json:"total_bytes"`
	State      string `json:"state"`
}

// disk asks who watches the disk, or ClickHouse: of its disks the one with the smallest share of free space is the one
// that fails first.
func (s *Server) disk(ctx context.Context) (*Disk, error) {
	var d Disk
	if s.deps.Disk != nil {
		d = s.deps.Disk()
		return &d, nil
	}
	if err := s.db.Conn.QueryRow(s.db.Settings(ctx), diskSQL).Scan(&d.FreeBytes, &d.TotalBytes, &d.State); err != nil {
		return nil, fmt.Errorf("ask ClickHouse for its disks: %w", err)
	}
	return &d, nil
}
