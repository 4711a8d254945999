package model

import "strings"

// idTime returns the Unix milliseconds inside a UUIDv7 or a ULID, and false for any other id.
func idTime(id string) (int64, bool) {
	switch len(id) {
	case 36:
		return uuidTime(id)
	case 26:
		return ulidTime(id)
	}
	return 0, false
}

func uuidTime(id string) (int64, bool) {
	var ms int64
	for i := range len(id) {
		c := id[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return 0, false
			}
			continue
		}
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || (c < '0' || c > '9') && c < 'A' {
			return 0, false
		}
		if i < 13 {
			ms = ms<<4 | int64(digit)
		}
	}
	return ms, id[14] == '7' && strings.IndexByte("89abAB", id[19]) >= 0
}

func ulidTime(id string) (int64, bool) {
	var ms int64
	for i := range len(id) {
		c := id[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		digit := strings.IndexByte("0123456789ABCDEFGHJKMNPQRSTVWXYZ", c)
		if digit < 0 {
			return 0, false
		}
		if i < 10 {
			ms = ms<<5 | int64(digit)
		}
	}
	return ms, id[0] <= '7' // 128 bits leave 3 for the first of 26 characters.
}
