package stored

import (
	"encoding/binary"
	"slices"
	"testing"
)

func TestUnpackSignatures_CutOff(t *testing.T) {
	row := binary.LittleEndian.AppendUint64(nil, 1<<63+5)
	row = binary.LittleEndian.AppendUint16(row, 3)
	row = binary.LittleEndian.AppendUint16(row, 1)
	row = binary.LittleEndian.AppendUint64(row, 9)
	row = binary.LittleEndian.AppendUint32(row, 0x201)
	packed := row
	rows, err := unpackSignatures(slices.Concat(packed, packed))
	if err != nil || len(rows) != 2 || rows[1].ID != 1<<63+5 || rows[1].SMSSegments != 3 || rows[1].Steps[0] != 9 ||
		rows[1].Codes[0] != 0x201 {
		t.Errorf("%+v, %v", rows, err)
	}
	for n := 1; n < len(packed); n++ {
		if _, err := unpackSignatures(slices.Concat(packed, packed[:n])); err == nil {
			t.Errorf("a row cut off after %d bytes is taken for whole", n)
		}
	}
}
