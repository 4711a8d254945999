package schema

import "time"

// HourMS is the width of a bucket in milliseconds.
const HourMS = 3_600_000

// Ids are trusted for a bucket when their time lies in these years; a random id that happens to parse is then still
// stored in one place, for the bucket depends on the id alone.
const (
	idTimeMinMS = 1_420_070_400_000 // 2015-01-01T00:00:00Z
	idTimeMaxMS = 2_240_611_200_000 // 2041-01-01T00:00:00Z, exclusive
)

// ParseTime reads a time into Unix milliseconds; further digits are cut. It takes RFC 3339, also with a blank for the T
// and a zone without its colon (+0300), Unix seconds of 10 digits and milliseconds of 13. A time without its zone is
// none.
func ParseTime(s []byte) (int64, bool) {
	switch len(s) {
	case 10:
		n, ok := Digits(s)
		return n * 1000, ok
	case 13:
		return Digits(s)
	}
	if len(s) < 20 || s[4] != '-' || s[7] != '-' || (s[10] != 'T' && s[10] != 't' && s[10] != ' ') || s[13] != ':' ||
		s[16] != ':' {
		return 0, false
	}
	year, ok1 := Digits(s[0:4])
	month, ok2 := Digits(s[5:7])
	day, ok3 := Digits(s[8:10])
	hour, ok4 := Digits(s[11:13])
	minute, ok5 := Digits(s[14:16])
	second, ok6 := Digits(s[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	rest := s[19:]
	milli := int64(0)
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			if n <= 3 {
				milli = milli*10 + int64(rest[n]-'0')
			}
			n++
		}
		if n == 1 {
			return 0, false
		}
		for i := n; i <= 3; i++ {
			milli *= 10
		}
		rest = rest[n:]
	}
	offset := int64(0)
	switch {
	case len(rest) == 1 && (rest[0] == 'Z' || rest[0] == 'z'):
	case (len(rest) == 6 && rest[3] == ':' || len(rest) == 5) && (rest[0] == '+' || rest[0] == '-'):
		oh, okH := Digits(rest[1:3])
		om, okM := Digits(rest[len(rest)-2:])
		if !okH || !okM || oh > 23 || om > 59 {
			return 0, false
		}
		offset = (oh*60 + om) * 60_000
		if rest[0] == '-' {
			offset = -offset
		}
	default:
		return 0, false
	}
	return (daysFromCivil(year, month, day)*86_400+hour*3600+minute*60+second)*1000 + milli - offset, true
}

// AppendTime appends Unix milliseconds as an RFC 3339 time in UTC with milliseconds.
func AppendTime(dst []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
}

// Digits reads a number of nothing but digits, at most 18 of them; no digit is 0.
func Digits(s []byte) (int64, bool) {
	n := int64(0)
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysFromCivil counts days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant's algorithm).
func daysFromCivil(y, m, d int64) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146_097 + doe - 719_468
}

// IDTime returns the time in milliseconds inside a UUIDv7 or a ULID, or 0 when the id is neither or its time is not in
// 2015…2040.
func IDTime(id []byte) int64 {
	var ms int64
	switch len(id) {
	case 36:
		ms = uuid7Time(id)
	case 26:
		ms = ulidTime(id)
	}
	if ms < idTimeMinMS || ms >= idTimeMaxMS {
		return 0
	}
	return ms
}

func uuid7Time(id []byte) int64 {
	if id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' || id[14] != '7' {
		return 0
	}
	switch id[19] {
	case '8', '9', 'a', 'b', 'A', 'B':
	default:
		return 0
	}
	// Digits are below 16 and everything else is 255, so one bit of all of them together says whether all were digits.
	var ms int64
	all := byte(0)
	for i := 0; i < 13; i++ {
		if i != 8 {
			v := hexDigit[id[i]]
			all |= v
			ms = ms<<4 | int64(v&15)
		}
	}
	for i := 15; i < 36; i++ {
		if i != 18 && i != 23 {
			all |= hexDigit[id[i]]
		}
	}
	if all > 15 {
		return 0
	}
	return ms
}

// hexDigit holds the value of each hexadecimal digit, and 255 for all other bytes.
var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i)
		if c >= 'a' {
			t[c-'a'+'A'] = byte(i)
		}
	}
	return t
}()

// crockford holds the value of each character of the ULID alphabet, and 255 for all others; I, L, O and U are not in
// it.
var crockford = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range []byte("0123456789ABCDEFGHJKMNPQRSTVWXYZ") {
		t[c] = byte(i)
		if c >= 'A' {
			t[c+'a'-'A'] = byte(i)
		}
	}
	return t
}()

func ulidTime(id []byte) int64 {
	if id[0] > '7' {
		return 0
	}
	var ms int64
	for i, c := range id {
		v := crockford[c]
		if v == 255 {
			return 0
		}
		if i < 10 {
			ms = ms<<5 | int64(v)
		}
	}
	return ms
}
