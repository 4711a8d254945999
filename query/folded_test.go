package query

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
)

// folded is a row of attempts_by_recipient; of the cell it has the dimensions, the bucket, the cohort and the
// generation.
type folded struct {
	cell
	recipient, contact, message         string
	who                                 string // the message's person, where its steps address several
	gone                                bool
	cohortMS, startMS, deliveredMS      int64
	readMS                              int64
	sent, delivered, read, failed, skip bool
	segments, smsSegments               uint16
	errorCode                           string
	errorMS                             int64 // 0 in facts of before
	permanent, expired, notBilled       bool
}

func (f folded) person() string { return cmp.Or(f.who, f.contact, f.recipient) }

// startedMS is when the attempt started, as far as that is known.
func (f folded) startedMS() int64 {
	if f.startMS == schema.Never {
		return f.cohortMS
	}
	return f.startMS
}

func (f folded) code() uint32 {
	return uint32(answer.Bit(f.sent)) | uint32(answer.Bit(f.delivered))<<1 | uint32(answer.Bit(f.read))<<2 |
		uint32(answer.Bit(f.failed))<<3 |
		uint32(answer.Bit(f.skip))<<6 |
		uint32(answer.Bit(f.notBilled))<<7 | uint32(f.segments)<<8
}

// insertFolded inserts the rows in some order, in several parts, together with what merges and FINAL must take away:
// older rows of the same attempts, and rows that are gone.
func insertFolded(tb testing.TB, conn driver.Conn, r *rand.Rand, rows []folded) {
	tb.Helper()
	var all []folded
	for _, f := range rows {
		all = append(all, f)
		old := f
		old.generation--
		old.delivered, old.deliveredMS, old.failed, old.errorCode = true, f.cohortMS+1, false, ""
		old.skip = false
		switch r.IntN(4) {
		case 0:
			all = append(all, old)
		case 1: // Under another recipient, who turned out not to be the attempt's.
			old.recipient += "0"
			taken := old
			taken.generation, taken.gone = f.generation, true
			all = append(all, old, taken)
		}
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for part := range slices.Chunk(all, max(1, len(all)/3)) {
		batch, err := conn.PrepareBatch(tb.Context(), `INSERT INTO attempts_by_recipient (account, recipient, bucket, message_id, step, generation, gone, cohort_ms, channel, provider,
			campaign, template, sender, app, operator, country, traffic, trigger, contact, person, start_ms, delivered_ms, read_ms, code, leg, sms_segments, error_code, error_ms, permanent, expired)`)
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range part {
			err := batch.Append(f.account, f.recipient, f.bucket, f.message, f.step, f.generation, answer.Bit(f.gone),
				f.cohortMS, f.channel, f.provider, f.campaign, f.template,
				f.sender, f.app, f.operator, f.country, f.traffic, f.trigger, f.contact, f.person(), f.startMS,
				f.deliveredMS, f.readMS, f.code(), uint64(0), f.smsSegments, f.errorCode, f.errorMS,
				answer.Bit(f.permanent), answer.Bit(f.expired))
			if err != nil {
				tb.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			tb.Fatal(err)
		}
	}
}

// randomFolded makes the attempts of n messages of the days before end: to few people, so that much happens to each.
func randomFolded(r *rand.Rand, n int, end time.Time, days int) (rows []folded) {
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	chance := func(percent int) bool { return r.IntN(100) < percent }
	for m := range n {
		cohortMS := end.UnixMilli() - 1 - r.Int64N(int64(days)*24*schema.HourMS)
		if chance(10) {
			cohortMS -= cohortMS % answer.QuarterMS // on a border
		}
		account, person := pick("acme", "центр", "none"), r.IntN(25)
		campaign, template, traffic := pick("", "c1", "весна", "\xff"), pick("", "otp", "order"),
			pick("", "otp", "promo")
		smsSegments := uint16(r.IntN(4))
		for step := range 1 + r.IntN(3) {
			if chance(5) {
				person = r.IntN(25) // A cascade may go on to somebody else.
			}
			f := folded{message: fmt.Sprint("m", m/2), cohortMS: cohortMS, startMS: schema.Never,
				deliveredMS: schema.Never, readMS: schema.Never, smsSegments: smsSegments}
			f.account, f.campaign, f.template, f.traffic, f.step, f.generation = account, campaign, template, traffic,
				uint8(step+1), 7
			if m%2 == 1 {
				f.message = fmt.Sprint("m", m/2, "-", account) // Two accounts may share an id.
			}
			f.bucket = time.UnixMilli(cohortMS).UTC().Truncate(time.Hour)
			f.cohort = time.UnixMilli(cohortMS).UTC().Truncate(15 * time.Minute)
			f.minMS, f.maxMS = cohortMS, cohortMS
			f.channel = pick("sms", "push", "push", "viber", "whatsapp", "voice")
			f.provider, f.sender, f.operator = pick("", "fcm", "apns", "mts"), pick("", "Shop"), pick("", "25001")
			f.trigger = pick("", "first", "unread")
			f.recipient, f.country = fmt.Sprintf("+7900000%04d", person), "RU"
			if f.channel == "push" {
				f.app = pick("", "ios", "android")
				f.recipient, f.country = fmt.Sprintf("device:%d-%s-%d", person, f.app, r.IntN(2)), ""
			}
			switch person % 5 {
			case 0, 1:
				f.contact = fmt.Sprint("crm-", person)
			case 2:
				// Some who send have phone numbers for contacts, which others have for recipients.
				if chance(50) {
					f.contact = fmt.Sprintf("+7900000%04d", person-2+r.IntN(3))
				}
			}
			if chance(80) {
				f.startMS = cohortMS + r.Int64N(1000)
			}
			f.sent = chance(90)
			f.segments = uint16(r.IntN(3))
			switch r.IntN(10) {
			case 0:
				f.skip, f.sent = true, false
			case 1, 2, 3:
				f.failed = true
				f.errorCode = pick("", "UNREGISTERED", "Unregistered", "BadDeviceToken", "30003", "gone", "11", "21",
					"left", "stop")
				f.permanent, f.expired = chance(30), chance(30)
			case 4: // pending
			default:
				f.sent, f.delivered, f.read = true, true, chance(40)
				f.deliveredMS = f.startedMS() + r.Int64N(20*24*schema.HourMS)
				if f.read {
					f.readMS = f.deliveredMS + r.Int64N(1000)
				}
				if chance(10) {
					f.errorCode = pick("left", "stop", "UNREGISTERED") // It failed first.
				}
			}
			f.notBilled = chance(10)
			if f.errorCode != "" && chance(80) {
				f.errorMS = cohortMS + r.Int64N(20*24*schema.HourMS)
			}
			rows = append(rows, f)
		}
	}
	// The same attempt cannot be there twice.
	seen := map[string]bool{}
	rows = slices.DeleteFunc(rows, func(f folded) bool {
		id := fmt.Sprint(f.account, f.message, "/", f.step)
		twice := seen[id]
		seen[id] = true
		return twice
	})
	// One message goes to one person, whoever its steps address.
	messages := map[string][]int{}
	for i, f := range rows {
		id := f.account + "/" + f.message
		messages[id] = append(messages[id], i)
	}
	for _, steps := range messages {
		contact, phone := "", ""
		for _, i := range steps {
			contact = max(contact, rows[i].contact)
			if strings.HasPrefix(rows[i].recipient, "+") {
				phone = max(phone, rows[i].recipient)
			}
		}
		for _, i := range steps {
			rows[i].who = cmp.Or(contact, phone, rows[steps[0]].recipient)
		}
	}
	return rows
}

// ownErrorLine is what account acme says of a code, in the tests of this package that know classes.
const ownErrorLine = `[{"provider":"*","code":"gone","class":"app_uninstalled"},{"provider":"apns","code":"BadDeviceToken","class":"system_failure"},` +
	`{"provider":"*","code":"left","class":"blocked_by_user"},{"provider":"mts","code":"stop","class":"opted_out"},{"provider":"","code":"stop","class":"dnd"}]`

func putErrorLine(tb testing.TB, conn driver.Conn) {
	tb.Helper()
	if _, err := schema.InsertReference(tb.Context(), conn, schema.ReferenceErrorMap, "acme", "test", 2,
		[]byte(ownErrorLine), testNow); err != nil {
		tb.Fatal(err)
	}
}

// naiveClass knows the codes of randomFolded.
func naiveClass(f folded) string {
	own := f.account == "acme"
	switch {
	case f.errorCode == "" && f.expired:
		return "expired"
	case f.errorCode == "":
		return "unknown"
	case f.errorCode == "gone" && own:
		return "app_uninstalled"
	case f.errorCode == "left" && own:
		return "blocked_by_user"
	case f.errorCode == "stop" && f.provider == "mts" && own:
		return "opted_out"
	case f.errorCode == "stop" && f.provider == "" && own:
		return "dnd"
	case f.errorCode == "BadDeviceToken" && f.provider == "apns" && own:
		return "system_failure"
	case f.errorCode == "BadDeviceToken" && f.provider == "apns":
		return "token_invalid"
	case f.errorCode == "UNREGISTERED" && f.provider == "fcm", f.errorCode == "Unregistered" && f.provider == "apns":
		return "app_uninstalled"
	case f.errorCode == "11" && f.channel == "sms":
		return "not_sms_capable" // a guess
	case f.errorCode == "21" && f.channel == "voice":
		return "not_answered"
	}
	return "unknown" // whatever permanent says
}

// naiveKeep tells whether a row is in the period and passes the filters; names that it does not know are left to the
// caller.
func (c cell) naiveKeep(filters map[string][]string, zone *time.Location, from, to time.Time, except ...string) bool {
	if c.cohort.Before(from) || !c.cohort.Before(to) {
		return false
	}
	for name, values := range filters {
		if !slices.Contains(except, name) && !slices.Contains(values, fmt.Sprint(naiveKey(c, name, zone))) {
			return false
		}
	}
	return true
}

// naiveCompare orders rows by their keys, numbers as numbers.
func naiveCompare(a, b []any) int {
	for i := range a {
		var order int
		if n, ok := a[i].(int); ok {
			order = n - b[i].(int)
		} else {
			order = strings.Compare(a[i].(string), b[i].(string))
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// keyInJSON is a key as it looks in JSON.
func keyInJSON(key any) any {
	if n, ok := key.(int); ok {
		return number(n)
	}
	return strings.ToValidUTF8(key.(string), "\ufffd")
}

// naiveRate rounds half up, which is half away from zero.
func naiveRate(num, den int) any {
	if den == 0 {
		return nil
	}
	millionths := (2*num*answer.Million + den) / (2 * den)
	text := fmt.Sprintf("%d.%06d", millionths/answer.Million, millionths%answer.Million)
	return json.Number(strings.TrimRight(strings.TrimRight(text, "0"), "."))
}

// number is a count as it looks in JSON.
func number[N int | uint64](n N) json.Number { return json.Number(fmt.Sprint(n)) }

func answerOf(tb testing.TB, s *Server, path string, values url.Values) (reply querytest.Report) {
	tb.Helper()
	decode(tb, get(s, path+"?"+values.Encode()), http.StatusOK, &reply)
	return reply
}

// checkPages asks for all rows at once and page by page.
func checkPages(t *testing.T, s *Server, path string, r *rand.Rand, values url.Values,
	want []map[string]any) querytest.Report {
	t.Helper()
	values.Set("limit", "10000")
	reply := answerOf(t, s, path, values)
	querytest.SameRows(t, path+"?"+values.Encode(), reply.Rows, want)
	var paged []map[string]any
	values.Set("limit", fmt.Sprint(1+len(want)/6+r.IntN(1+len(want)/2)))
	for page := answerOf(t, s, path, values); ; page = answerOf(t, s, path, values) {
		paged = append(paged, page.Rows...)
		if page.Mature != reply.Mature {
			t.Errorf("mature is %v on a page, %v on all of them", page.Mature, reply.Mature)
		}
		if page.NextCursor == nil || len(page.Rows) == 0 {
			break
		}
		values.Set("cursor", *page.NextCursor)
	}
	values.Del("cursor")
	querytest.SameRows(t, "paged "+path+"?"+values.Encode(), paged, want)
	return reply
}
