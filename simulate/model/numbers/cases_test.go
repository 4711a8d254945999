package numbers

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// dayZero is day 0 of the histories below: 50 days and 12 hours before noon, when they are read.
var dayZero = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

// after reads "14d-1ms": a time after day 0.
func after(t testing.TB, text string) time.Time {
	t.Helper()
	at := dayZero
	for _, term := range strings.Fields(strings.NewReplacer("-", " -", "+", " ").Replace(text)) {
		days, isDays := strings.CutSuffix(term, "d")
		if n, err := strconv.Atoi(days); isDays && err == nil {
			at = at.AddDate(0, 0, n)
			continue
		}
		d, err := time.ParseDuration(term)
		if err != nil {
			t.Fatal(err)
		}
		at = at.Add(d)
	}
	return at
}

// numberLine completes an event such as "failed 1 c1 @24h": a status with a time, and perhaps a code, a campaign "c…",
// fields "name=value". Each line is a message of its own unless it has an id. A message's cohort is the event's time,
// unless cohort= gives another.
func numberLine(t testing.TB, i int, text string) []byte {
	t.Helper()
	fields := map[string]any{"account": "a", "message_id": "m" + strconv.Itoa(i), "channel": "sms",
		"recipient": "+79160000001"}
	for n, word := range strings.Fields(text) {
		name, value, found := strings.Cut(word, "=")
		switch {
		case n == 0:
			fields["status"] = word
		case strings.HasPrefix(word, "@"):
			fields["occurred_at"] = instantText(after(t, word[1:]))
			if fields["submitted_at"] == nil {
				fields["submitted_at"] = fields["occurred_at"]
			}
		case name == "cohort" || name == "owner":
			fields[map[string]string{"cohort": "submitted_at",
				"owner": "owner_changed_at"}[name]] = instantText(after(t, value))
		case oneOf(word, "permanent", "machine", "valid", "invalid", "ported"):
			fields[strings.TrimPrefix(word, "in")] = word != "invalid"
		case found && oneOf(name, "part", "parts", "step", "segments", "sms_segments"):
			fields[name] = json.RawMessage(value)
		case found:
			fields[name] = value
		case strings.HasPrefix(word, "c") && len(word) == 2:
			fields["campaign"] = word
		default:
			fields["error_code"] = word
		}
	}
	if oneOf(fields["status"].(string), "lookup", "subscribed", "unsubscribed", "uninstalled", "blocked", "complained",
		"inbound") {
		delete(fields, "message_id")
		delete(fields, "submitted_at")
	}
	line, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func numberModel(t testing.TB, events ...string) *model.Model {
	t.Helper()
	m := model.New(noon)
	for i, text := range events {
		line := numberLine(t, i, text)
		if err := m.Add(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return m
}

// ownCodes are of an account whose events without a provider speak MAP: the causes of its own lines for all, codes that
// no shipped map has, and one that it has differently.
func ownCodes() map[string]settings.ErrorMap {
	own := settings.ErrorMap{Lines: []settings.ErrorLine{{Provider: "*", Code: "900", Class: "deactivated"},
		{Provider: "*", Code: "901", Class: "invalid_format"},
		{Provider: "p", Code: "1", Class: "blocked_by_user"},
		{Provider: "*", Code: "0031", Class: "unknown_subscriber"},
		{Provider: "*", Code: "77", Class: "unknown"}, {Provider: "*", Code: "88", Class: "unknown_subscriber"},
		{Provider: "mailer", Code: "550", Class: "no_mailbox"},
		{Provider: "mailer", Code: "552", Class: "mailbox_full"},
		{Provider: "mailer", Code: "900", Class: "deactivated"}},
		Aliases: []settings.ErrorAlias{{Provider: "devino", Like: "map"}, {Provider: "brand", Like: "firebase"},
			{Provider: "twice", Like: "devino"}}}
	for _, line := range [...]struct{ class, codes string }{{"unknown_subscriber", "1 144"},
		{"absent_subscriber", "6 27"}, {"not_sms_capable", "11"},
		{"barred", "9 13"}, {"network_congestion", "33 51"}, {"system_failure", "34"}} {
		for _, code := range strings.Fields(line.codes) {
			own.Lines = append(own.Lines, settings.ErrorLine{Provider: "*", Code: code, Class: line.class})
		}
	}
	return map[string]settings.ErrorMap{"a": own}
}

// judgeOne returns the verdict on the number of all lines that name none.
func judgeOne(t testing.TB, q settings.Numbers, events ...string) Verdict {
	t.Helper()
	q.ErrorMaps = ownCodes()
	verdicts, err := Verdicts(numberModel(t, events...), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Number == "+79160000001" {
			return v
		}
	}
	t.Fatal("no verdict")
	return Verdict{}
}

// short prints a verdict as "dead hard 24h0m0s", the time after day 0.
func (v Verdict) short() string {
	text := v.State
	if v.Rule != "" {
		text += " " + v.Rule + " " + v.Since.Sub(dayZero).String()
	}
	return text
}

func TestModel_Numbers_Rules(t *testing.T) {
	// Five soft failures over 14 days, the last on day 14.
	soft := []string{"expired c1 @0", "expired c2 @3d", "expired c3 @6d", "expired c4 @9d", "expired c5 @14d"}
	with := func(list []string, more ...string) []string { return append(append([]string{}, list...), more...) }
	for name, c := range map[string]struct {
		want   string
		events []string
	}{
		"30005 once does not kill": {"suspect", []string{"undelivered 30005 c1 provider=twilio @0"}},
		"in two mailings 24 h apart it does": {"dead hard 24h0m0s",
			[]string{"undelivered 30005 c1 provider=twilio @0", "undelivered 30005 c2 provider=twilio @24h"}},
		"24 h less 1 ms": {"suspect", []string{"failed 1 c1 @0", "failed 1 c2 @24h-1ms"}},
		"in one mailing": {"suspect",
			[]string{"failed 1 c1 @0", "failed 1 c1 @24h", "failed 1 c1 @48h"}},
		"the second mailing first, then time": {"dead hard 24h0m0s",
			[]string{"failed 1 c1 @0", "failed 1 c2 @1h", "failed 1 c1 @24h"}},
		"a soft failure completes no hard rule": {"suspect",
			[]string{"failed 1 c1 @0", "failed 1 c2 @1h", "failed 27 c3 @30h"}},
		"a soft failure is no hard mailing": {"suspect", []string{"failed 27 c1 @0", "failed 1 c2 @25h"}},
		"two days without campaign":         {"dead hard 24h0m0s", []string{"failed 1 @0", "failed 1 @24h"}},
		"one day without campaign":          {"suspect", []string{"failed 1 @0", "failed 1 @24h-1ms", "failed 1 @23h"}},
		"a day is its name":                 {"suspect", []string{"failed 1 @0", "failed 1 campaign=2026-10-01 @24h"}},
		"codes with and without zeros":      {"dead hard 24h0m0s", []string{"failed 001 c1 @0", "failed 01 c2 @24h"}},
		"three hard classes":                {"dead hard 24h0m0s", []string{"failed 11 c1 @0", "failed 144 c2 @24h"}},

		"deactivated at once":        {"dead deactivated 0s", []string{"failed 900 @0"}},
		"invalid format at once":     {"dead invalid_format 0s", []string{"failed 901 @0"}},
		"a lookup":                   {"dead invalid_format 0s", []string{"lookup invalid @0"}},
		"a lookup that says valid":   {"unknown", []string{"lookup valid @0"}},
		"a lookup that says nothing": {"unknown", []string{"lookup @0"}},
		"a lookup is a mailing of its own": {"dead invalid_format 24h0m0s",
			[]string{"failed 1 c1 @0", "lookup invalid @24h"}},
		"deactivated comes first": {"dead deactivated 0s",
			[]string{"failed 901 c1 @0", "failed 900 c2 @0"}},
		"deactivated before hard": {"dead deactivated 24h0m0s",
			[]string{"failed 1 c1 @0", "failed 900 c2 @24h"}},
		"the earlier rule stays": {"dead hard 24h0m0s",
			[]string{"failed 1 c1 @0", "failed 1 c2 @24h", "failed 900 c3 @48h"}},
		"deactivated, then delivered":           {"revived", []string{"failed 900 @30d", "delivered @31d"}},
		"deactivated at the time of a delivery": {"active", []string{"failed 900 @30d", "delivered @30d"}},
		"delivered before, deactivated on one time": {"active",
			[]string{"delivered @1d", "failed 900 @30d", "delivered @30d"}},

		"soft": {"dead soft 336h0m0s", soft},
		"30003 in five mailings over fourteen days": {"dead soft 336h0m0s",
			[]string{"failed 30003 c1 provider=twilio @0", "failed 30003 c2 provider=twilio @1d",
				"failed 30003 c3 provider=twilio @2d", "failed 30003 c4 provider=twilio @3d",
				"failed 30003 c5 provider=twilio @14d"}},
		"14 days less 1 ms":         {"unknown", with(soft[:4], "expired c5 @14d-1ms")},
		"four mailings":             {"unknown", with(soft[:4], "expired c4 @14d")},
		"a hard one counts as soft": {"dead soft 336h0m0s", with(soft[:4], "failed 1 c5 @14d")},
		"hard before soft at one failure": {"dead hard 336h0m0s",
			with(soft[1:4], "failed 1 c1 @0", "failed 1 c5 @14d")},
		"a delivery by push on the day":    {"unknown", with(soft, "delivered channel=push @14d+23h")},
		"a delivery by push the day after": {"dead soft 336h0m0s", with(soft, "delivered channel=push @15d")},
		"30 days before":                   {"unknown", with(soft, "delivered channel=viber @-16d")},
		"31 days before": {"dead soft 336h0m0s",
			with(soft, "delivered channel=viber @-16d-1ms")},
		"an old cohort, delivered in time": {"unknown", with(soft, "delivered cohort=-300d channel=email @-1d")},
		"another number's delivery": {"dead soft 336h0m0s",
			with(soft, "delivered recipient=+79160000002 @0")},
		"a later failure completes it": {"dead soft 720h0m0s",
			with(soft, "delivered channel=push @-1d", "expired c6 @30d")},
		"a success ends the streak":               {"active", with(soft, "delivered @9d+1h")},
		"at a success the failure does not count": {"active", with(soft[1:], "expired c9 @1d", "delivered @1d")},

		"revived at the border":            {"revived", []string{"failed 900 @0", "delivered @20d+12h"}},
		"revived until 1 ms ago":           {"active", []string{"failed 900 @0", "delivered @20d+12h-1ms"}},
		"an earlier success revived it":    {"revived", []string{"failed 900 @0", "delivered @25d", "delivered @26d"}},
		"suspect after all":                {"suspect", []string{"failed 900 @0", "delivered @25d", "failed 1 @26d"}},
		"soft failures change no revival":  {"revived", []string{"failed 900 @0", "delivered @25d", "expired @26d"}},
		"soft death on the day of revival": {"revived", with(soft[:4], "expired c5 @30d", "delivered @30d+5h")},
		"only suspect before":              {"active", []string{"failed 1 @0", "delivered @25d"}},

		"what never counts": {"unknown",
			[]string{"failed 33 c1 @0", "failed 34 c2 @2d", "failed 51 c3 @9d", "failed 21610 provider=twilio c4 @20d",
				"failed 51 c5 @30d"}},
		"not a Viber user": {"unknown",
			[]string{"failed SRVC_NOT_VIBER_USER provider=viber channel=viber c1 @0",
				"failed SRVC_NOT_VIBER_USER provider=viber channel=viber c2 @9d"}},
		"hard on Viber": {"unknown",
			[]string{"failed 1 channel=viber c1 @0", "failed 1 channel=viber c2 @9d"}},
		"voice and flash call": {"dead hard 24h0m0s",
			[]string{"failed 1 channel=voice c1 @0", "failed 1 channel=flash_call c2 @24h"}},
		"delivered on Viber":    {"unknown", []string{"delivered channel=viber @0"}},
		"skipped":               {"unknown", []string{"skipped @0"}},
		"a cohort 400 days old": {"suspect", []string{"failed 1 @-349d-12h"}},
		"an id that is older": {"unknown",
			[]string{"failed 1 submitted_at= message_id=" + uuidAt(noon.AddDate(0, 0, -400).Add(-time.Millisecond)) +
				" @0"}},
		"an account's own line": {"unknown",
			[]string{"failed 1 provider=p c1 @0", "failed 1 provider=p c2 @9d"}},
		"the provider's line before the others'": {"suspect", []string{"failed 1 provider=q @0"}},
		"an own line for all, with zeros":        {"suspect", []string{"failed 31 @0"}},
		"unmapped":                               {"unknown", []string{"failed XX c1 @0", "failed XX c2 @2d"}},
		"unmapped and permanent": {"unknown",
			[]string{"failed XX permanent c1 @0", "failed XX permanent c2 @2d"}},
		"an own line says unknown, permanent too": {"unknown",
			[]string{"failed 77 permanent c1 @0", "failed 77 permanent c2 @2d"}},
		"an own line says unknown_subscriber": {"dead hard 48h0m0s",
			[]string{"failed 88 permanent c1 @0", "failed 88 permanent c2 @2d"}},
		"permanent does not change a mapped code": {"unknown",
			[]string{"failed 27 permanent c1 @0", "failed 27 permanent c2 @2d"}},
		"permanent without a code": {"unknown",
			[]string{"failed permanent c1 @0", "failed 00 permanent c2 @2d"}},
		"permanent of what is no failure": {"unknown",
			[]string{"sent XX permanent message_id=x @0", "failed XX message_id=x @0"}},
		"at one time the greatest code as bytes": {"unknown",
			[]string{"failed 1 message_id=x @0", "undelivered 27 message_id=x @0"}},
		"at one time 9 is greater than 144": {"unknown",
			[]string{"failed 144 message_id=x @0", "undelivered 9 message_id=x @0"}},
		"the latest code, not the greatest": {"suspect",
			[]string{"undelivered 27 message_id=x @0", "failed 1 message_id=x @1ms", "failed message_id=x @1d",
				"failed 00 message_id=x @1d"}},
		"the latest code, not the first one": {"unknown",
			[]string{"failed 6 message_id=x @2h", "failed 13 message_id=x @1h", "failed 6 message_id=x @2h",
				"failed 1 message_id=x @0"}},
		"the code of a part that came after all": {"suspect",
			[]string{"failed 144 part=1 parts=2 message_id=x @0", "failed part=2 parts=2 message_id=x @0",
				"delivered part=1 parts=2 message_id=x @1h"}},
		"all parts came after all": {"active",
			[]string{"failed 1 part=1 parts=2 message_id=x @0", "delivered part=2 parts=2 message_id=x @0",
				"delivered part=1 parts=2 message_id=x @1h"}},
		"the greatest recipient": {"unknown",
			[]string{"failed 1 message_id=x @0", "sent message_id=x recipient=+79160000002 @0", "skipped @0"}},
		"start of a second step": {"dead hard 24h0m0s",
			[]string{"failed 1 c1 cohort=0 step=2 @5d", "failed 1 c2 cohort=24h step=2 @9d"}},
		"start of a failure is when it was taken": {"suspect",
			[]string{"failed 1 c1 @1d", "accepted c2 message_id=x cohort=0 @2d-1ms", "failed 1 c2 message_id=x @9d"}},
		"an expiry is no newer than its start":  {"active", []string{"expired 1 c1 cohort=0 @3d", "delivered @1h"}},
		"a hard failure older than the success": {"active", []string{"failed 900 cohort=0 @3d", "delivered @1h"}},
		"nobody's":                              {"unknown", []string{"sent @0"}},
		"later hard failures do not move the since": {"dead hard 24h0m0s",
			[]string{"failed 1 c1 @0", "failed 1 c2 @24h", "failed 1 c3 @48h", "expired c4 @50h"}},
	} {
		v := judgeOne(t, settings.Numbers{}, c.events...)
		if got := v.short(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestModel_Numbers_OwnRules(t *testing.T) {
	rules := settings.NumberRules{HardMailings: 1, HardHours: 2, SoftMailings: 2, SoftDays: 1, QuietDays: 1,
		RevivedDays:  40,
		EvidenceDays: 60}
	q := settings.Numbers{Rules: map[string]settings.NumberRules{"a": rules, "b": settings.DefaultNumberRules()}}
	for name, c := range map[string]struct {
		want   string
		events []string
	}{
		"hard":      {"dead hard 2h0m0s", []string{"failed 1 c1 @0", "failed 1 c1 @2h"}},
		"hard once": {"suspect", []string{"failed 1 c1 @0"}},
		"soft":      {"dead soft 24h0m0s", []string{"expired c1 @0", "expired c2 @24h"}},
		"quiet": {"unknown",
			[]string{"expired c1 @0", "expired c2 @24h", "delivered channel=push @0"}},
		"before the quiet day": {"dead soft 24h0m0s",
			[]string{"expired c1 @0", "expired c2 @24h", "delivered channel=push @0-1ms"}},
		"revived":                  {"revived", []string{"failed 900 @0", "delivered @10d+12h"}},
		"revived long ago":         {"active", []string{"failed 900 @0", "delivered @10d+12h-1ms"}},
		"60 days":                  {"suspect", []string{"failed 1 @-10d+12h"}},
		"more than 60 days":        {"unknown", []string{"failed 1 @-10d+12h-1ms"}},
		"a lookup in 60 days":      {"dead invalid_format -228h0m0s", []string{"lookup invalid @-10d+12h"}},
		"a lookup before 60 days":  {"unknown", []string{"lookup invalid @-10d+12h-1ms"}},
		"old but delivered within": {"unknown", []string{"delivered cohort=-11d @0"}},
	} {
		v := judgeOne(t, q, c.events...)
		if got := v.short(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestModel_Numbers_Evidence(t *testing.T) {
	q := settings.Numbers{Tariffs: map[string][]settings.Tariff{"a": worlds.PriceList(t, "sms per_segment_sent 2.00",
		"sms per_segment_sent 3.00 provider=q currency=EUR",
		"sms per_segment_sent 2.50 from=2026-10-20 provider=r", "voice attempt_plus_connect 0.30 connect=5")}}
	v := judgeOne(t, q, "delivered @1d", "failed 1 c1 @1d", "undelivered 1 c2 segments=3 @2d",
		"expired c3 sms_segments=2 @2d+5h", "failed 51 c3 @9d", "rejected 27 c3 channel=telegram @9d",
		"undelivered 27 c4 channel=voice @5d", "lookup invalid ported operator=25001 owner=0 @3d",
		"lookup valid operator=25002 @2d", "rejected 27 c5 @6d")
	want := "dead invalid_format 72h0m0s map[absent_subscriber:2 expired:1 invalid_format:1 unknown_subscriber:1] 5 " +
		"mailings 4 days" +
		" first 48h0m0s last 216h0m0s delivered 24h0m0s cost \"10.30\" RUB reassigned true 25001 ported true valid " +
		"false"
	got := fmt.Sprintf("%s %v %d mailings %d days first %s last %s delivered %s cost %s %s reassigned %t %s ported "+
		"%t valid %t", v.short(), v.Reasons, v.FailedMailings,
		v.FailedDays, v.FirstFailedAt.Sub(dayZero), v.LastFailedAt.Sub(dayZero), v.LastDeliveredAt.Sub(dayZero),
		model.WriteMoney(v.WastedCost), v.Currency, v.PossibleReassignment,
		v.Operator, *v.Ported, *v.Valid)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for name, c := range map[string]struct {
		want   string
		events []string
	}{
		"no failures":               {`"0.00" `, []string{"delivered @0"}},
		"what was not sent":         {`"0.00" `, []string{"rejected 27 @0"}},
		"sent":                      {`"2.00" RUB`, []string{"expired segments=1 @0"}},
		"no segments":               {`null `, []string{"expired @0"}},
		"two currencies":            {`null `, []string{"expired segments=1 @0", "expired provider=q segments=1 @1d"}},
		"a channel without a price": {`null `, []string{"expired channel=flash_call @0"}},
		"price of the cohort":       {`"2.50" RUB`, []string{"expired segments=1 provider=r cohort=19d @25d"}},
		"what ended is not wasted":  {`"0.00" `, []string{"expired segments=1 @0", "delivered @1d"}},
		"segments of another step": {`"6.00" RUB`,
			[]string{"expired message_id=x @0", "skipped message_id=x step=2 sms_segments=9 @0",
				"sent message_id=x step=3 channel=viber sms_segments=3 @0"}},
	} {
		v := judgeOne(t, q, c.events...)
		if got := string(model.WriteMoney(v.WastedCost)) + " " + v.Currency; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestModel_Numbers_PossibleReassignment(t *testing.T) {
	for name, c := range map[string]struct {
		want   bool
		events []string
	}{
		"delivered after the owner changed": {true, []string{"lookup owner=0 @9d", "delivered @1ms"}},
		"delivered as the owner changed":    {false, []string{"lookup owner=0 @9d", "delivered @0"}},
		"the greatest change counts": {false,
			[]string{"lookup owner=0 @9d", "lookup owner=5d @1d", "delivered @2d"}},
		"on Viber":                    {false, []string{"lookup owner=0 @9d", "delivered channel=viber @2d"}},
		"after three days of death":   {true, []string{"failed 900 @0", "delivered @72h"}},
		"1 ms less":                   {false, []string{"failed 900 @0", "delivered @72h-1ms"}},
		"since the rule was complete": {false, []string{"failed 1 c1 @0", "failed 1 c2 @24h", "delivered @72h"}},
		"an earlier success": {true,
			[]string{"failed 900 @0", "delivered @4d", "delivered @30d", "failed 1 @31d"}},
		"only suspect": {false, []string{"failed 1 @0", "delivered @9d"}},
		"a delivery that is not the first after it": {false,
			[]string{"failed 900 @0", "delivered @1d", "delivered @9d"}},
	} {
		if got := judgeOne(t, settings.Numbers{}, c.events...).PossibleReassignment; got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func TestModel_Numbers_Override(t *testing.T) {
	at := after(t, "5d")
	q := settings.Numbers{Overrides: []settings.NumberOverride{{Account: "a", Number: "+79160000001", State: "active",
		Why: "called back", At: at, Until: time.Time{}},
		{Account: "a", Number: "+79160000009", State: "quarantined", Why: "", At: at, Until: time.Time{}}},
		ErrorMaps: ownCodes()}
	verdicts, err := Verdicts(numberModel(t, "failed 900 @0", "delivered recipient=user:7 @0"), q)
	if err != nil {
		t.Fatal(err)
	}
	if len(verdicts) != 2 || verdicts[0].short() != "active override 120h0m0s" ||
		verdicts[1].short() != "quarantined override 120h0m0s" {
		t.Fatalf("%+v", verdicts)
	}
	if v := verdicts[0]; v.Reasons["deactivated"] != 1 || v.Why != "called back" || len(v.DeadSpans) != 1 ||
		!v.DeadSpans[0].To.Equal(at) {
		t.Errorf("the evidence is gone, or the number was not dead until then: %+v", v)
	}
}

func TestModel_Numbers_History(t *testing.T) {
	soft := []string{"failed 1 c1 @0", "expired c2 @3d", "expired c3 @6d", "expired c4 @9d", "expired c5 @14d"}
	for name, c := range map[string]struct {
		want   string
		events []string
	}{
		"nothing":   {"", []string{"expired @0"}},
		"delivered": {"unknown→active 0s", []string{"delivered @0", "delivered @1d"}},
		"suspect, then dead": {"unknown→suspect 0s; suspect→dead hard 24h0m0s",
			[]string{"failed 1 c1 @0", "failed 1 c2 @24h", "failed 1 c3 @48h"}},
		"revived, then quiet": {"unknown→dead deactivated 0s; dead→revived 24h0m0s; revived→active 744h0m0s",
			[]string{"failed 900 @0", "delivered @1d"}},
		"revived until now": {"unknown→dead deactivated 0s; dead→revived 492h0m0s",
			[]string{"failed 900 @0", "delivered @20d+12h"}},
		"revived 1 ms too long": {"unknown→dead deactivated 0s; dead→revived 491h59m59.999s; revived→active " +
			"1211h59m59.999s",
			[]string{"failed 900 @0", "delivered @20d+12h-1ms"}},
		"revived, then suspect": {"unknown→dead deactivated 0s; dead→revived 24h0m0s; revived→suspect 48h0m0s",
			[]string{"failed 900 @0", "delivered @1d", "failed 1 @2d"}},
		"dead twice": {"unknown→dead deactivated 0s; dead→revived 24h0m0s; revived→dead deactivated 48h0m0s; " +
			"dead→revived 72h0m0s; revived→active 792h0m0s",
			[]string{"failed 900 @0", "delivered @1d", "failed 900 @2d", "delivered @3d"}},
		"at one time": {"unknown→active 0s", []string{"failed 900 @0", "delivered @0"}},
		"taken back by a push": {"unknown→suspect 0s; suspect→dead soft 336h0m0s; dead→suspect 341h0m0s",
			append(soft, "delivered channel=push @14d+5h")},
		"another rule by a push": {"unknown→suspect 0s; suspect→dead soft 336h0m0s; dead→dead hard 341h0m0s",
			append(soft, "failed 1 c6 @14d+2h", "delivered channel=push @14d+5h")},
		"a success on that day": {"unknown→suspect 0s; suspect→dead soft 336h0m0s; dead→revived 341h0m0s; " +
			"revived→active 1061h0m0s", append(soft, "delivered @14d+5h")},
		"today's window, not then": {"",
			[]string{"failed 900 submitted_at= message_id=" + uuidAt(noon.AddDate(0, 0, -401)) + " @-348d"}},
	} {
		v := judgeOne(t, settings.Numbers{}, c.events...)
		var texts []string
		for _, h := range v.History {
			text := h.From + "→" + h.To
			if h.Rule != "" {
				text += " " + h.Rule
			}
			texts = append(texts, text+" "+h.At.Sub(dayZero).String())
		}
		if got := strings.Join(texts, "; "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
	v := judgeOne(t, settings.Numbers{}, "failed 900 @0", "delivered @1d", "failed 900 @2d")
	if got := fmt.Sprint(v.DeadSpans); got != "[{2026-10-01 00:00:00 +0000 UTC 2026-10-02 00:00:00 +0000 UTC "+
		"deactivated} {2026-10-03 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC deactivated}]" {
		t.Errorf("dead %s", got)
	}
}
