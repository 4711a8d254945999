package schema

import "testing"

// The bound of a cell lies in it, or is that of the cell before where no whole millisecond does; the next one is above.
func TestLatencyCellTop_OfCell(t *testing.T) {
	last := int64(-1)
	for cell := uint16(0); cell < 1300; cell++ {
		top := LatencyCellTop(cell)
		if at := LatencyCell(top); at > cell || at < cell && top != last {
			t.Errorf("cell %d: its bound %d ms is of cell %d", cell, top, at)
		}
		if at := LatencyCell(top + 1); at <= cell {
			t.Errorf("cell %d: %d ms is in cell %d, and above the bound", cell, top+1, at)
		}
		last = top
	}
}
