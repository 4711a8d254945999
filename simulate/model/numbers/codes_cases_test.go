package numbers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// twice makes two failures of a code in two mailings 48 h apart, of a number that ends with it.
func twice(channel, provider, code string) []string {
	number := fmt.Sprintf("recipient=+7916%07s channel=%s provider=%s", code, channel, provider)
	return []string{"failed " + code + " c1 " + number + " @0", "failed " + code + " c2 " + number + " @48h"}
}

// states prints the verdicts of numbers, by their last digits.
func states(t testing.TB, own map[string]settings.ErrorMap, events ...string) string {
	t.Helper()
	verdicts, err := Verdicts(numberModel(t, events...), settings.Numbers{ErrorMaps: own})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, v := range verdicts {
		var classes []string
		for class := range v.Reasons {
			classes = append(classes, class)
		}
		text := strings.TrimLeft(strings.TrimPrefix(v.Number, "+7916"), "0") + " " + v.State
		if v.Rule != "" {
			text += " " + v.Rule
		}
		texts = append(texts, fmt.Sprintf("%s %s guessed %d", text, strings.Join(classes, ","), v.Guessed))
	}
	return strings.Join(texts, "; ")
}

// A guessed class never kills, by any of the rules that it can meet; an alias or an own line makes it sure.
func TestModel_Numbers_Guesses(t *testing.T) {
	list := func(channel, provider string, codes ...string) (events []string) {
		for _, code := range codes {
			events = append(events, twice(channel, provider, code)...)
		}
		return events
	}
	alias := func(provider, like string) map[string]settings.ErrorMap {
		return map[string]settings.ErrorMap{"a": {Aliases: []settings.ErrorAlias{{Provider: provider, Like: like}}}}
	}
	own := func(lines ...settings.ErrorLine) map[string]settings.ErrorMap {
		return map[string]settings.ErrorMap{"a": {Lines: lines}}
	}
	for name, c := range map[string]struct {
		own    map[string]settings.ErrorMap
		want   string
		events []string
	}{
		"nobody's codes": {nil, "1 suspect unknown_subscriber guessed 2; 5 unknown unknown guessed 2; 11 suspect " +
			"not_sms_capable guessed 2; 27 unknown absent_subscriber guessed 2",
			list("sms", "nobody", "1", "5", "11", "27")},
		"like map": {alias("nobody", "map"),
			"1 dead hard unknown_subscriber guessed 0; 5 unknown unknown guessed 0; 11 dead hard not_sms_capable " +
				"guessed 0",
			list("sms", "nobody", "1", "5", "11")},
		"a call's cause": {nil,
			"1 suspect unknown_subscriber guessed 2; 21 unknown  guessed 0; 28 suspect invalid_format guessed 2",
			list("flash_call", "nobody", "1", "21", "28")},
		"voice": {nil, "19 unknown  guessed 0; 22 suspect unknown_subscriber guessed 2",
			list("voice", "nobody", "19", "22")},
		"a call's cause is sure by an alias": {alias("nobody", "q850"),
			"28 dead invalid_format invalid_format guessed 0", list("voice", "nobody", "28")},
		"a MAP cause of a call, by an alias": {alias("nobody", "map"), "21 unknown unknown guessed 0",
			list("flash_call", "nobody", "21")},
		"own line of the provider": {own(settings.ErrorLine{Provider: "nobody", Code: "5",
			Class: "unknown_subscriber"}),
			"5 dead hard unknown_subscriber guessed 0", list("sms", "nobody", "5")},
		"own line for all": {own(settings.ErrorLine{Provider: "*", Code: "005", Class: "deactivated"}),
			"5 dead deactivated deactivated guessed 0",
			list("sms", "nobody", "5")},
		"the provider's own line comes first": {own(settings.ErrorLine{Provider: "*", Code: "5", Class: "deactivated"},
			settings.ErrorLine{Provider: "nobody", Code: "5", Class: "roaming"}), "5 unknown roaming guessed 0",
			list("sms", "nobody", "5")},
		"an own line before the shipped one": {own(settings.ErrorLine{Provider: "*", Code: "30005", Class: "barred"}),
			"30005 unknown barred guessed 0", list("sms", "twilio", "30005")},
		"another account's line": {map[string]settings.ErrorMap{"b": {Lines: []settings.ErrorLine{{Provider: "*",
			Code:  "27",
			Class: "deactivated"}}}}, "27 unknown absent_subscriber guessed 2", list("sms", "nobody", "27")},
		"an alias is replaced once": {alias("nobody", "nexmo"), "1 suspect unknown_subscriber guessed 2",
			list("sms", "nobody", "1")},
		"vonage": {nil,
			"1 unknown unknown guessed 0; 5 unknown  guessed 0; 11 unknown  guessed 0",
			list("sms", "vonage", "1", "5", "11")},
		"nexmo is vonage": {nil, "1 unknown unknown guessed 0", list("sms", "nexmo", "1")},
		"the account's alias comes first": {alias("nexmo", "twilio"), "30005 dead hard unknown_subscriber guessed 0",
			list("sms", "nexmo", "30005")},
		"an alias replaces the name": {alias("twilio", "map"), "30005 unknown unknown guessed 0",
			list("sms", "twilio", "30005")},
		"own lines are of the name itself": {map[string]settings.ErrorMap{"a": {Lines: []settings.ErrorLine{{Provider: "map", Code: "27",
			Class: "deactivated"}}, Aliases: []settings.ErrorAlias{{Provider: "nobody", Like: "map"}}}},
			"27 unknown absent_subscriber guessed 0",
			list("sms", "nobody", "27")},
		"no provider":      {nil, "1 suspect unknown_subscriber guessed 2", list("sms", "", "1")},
		"in neither table": {nil, "777 unknown unknown guessed 0", list("sms", "nobody", "777")},
		"permanent":        {nil, "9999 unknown unknown guessed 0", list("sms", "nobody permanent", "9999")},
		"guesses and soft ones kill softly together": {nil, " dead soft unknown_subscriber guessed 5",
			[]string{"failed 1 c1 recipient=+79160000000 @0", "failed 1 c2 recipient=+79160000000 @3d",
				"failed 1 c3 recipient=+79160000000 @6d", "failed 1 c4 recipient=+79160000000 @9d",
				"failed 1 c5 recipient=+79160000000 @14d"}},
		"a sure one beside a guess": {own(settings.ErrorLine{Provider: "sure", Code: "1", Class: "unknown_subscriber"}),
			" suspect unknown_subscriber guessed 1",
			[]string{"failed 1 c1 recipient=+79160000000 @0", "failed 1 c2 provider=sure recipient=+79160000000 @48h"}},
	} {
		if got := states(t, c.own, c.events...); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
	// Elsewhere nothing is guessed.
	for _, channel := range []string{"push", "viber", "whatsapp", "vk", "ok", "telegram", "messenger", "instagram",
		"rcs", "email"} {
		rows, err := Failures(numberModel(t, twice(channel, "nobody", "1")...), ReachQuery{})
		expect(t, channel, bounds.ReplaceAllString(rowsText(t, rows, err), ""),
			`{"channel":"`+channel+`","provider":"nobody","reason":"unknown","error_code":"1","count":2,"share_num":2,"share_den":2,"share_rate":1.0}`)
	}
}

// The shipped map may be given: it replaces the few lines that the model knows, for classes, aliases and guesses.
func TestModel_Numbers_ShippedMap(t *testing.T) {
	shipped := &settings.ErrorMap{Lines: []settings.ErrorLine{{Provider: "map", Code: "1", Class: "barred"},
		{Provider: "vonage", Code: "1", Class: "system_failure"},
		{Provider: "vonage", Code: "11", Class: "unknown"}},
		Aliases: []settings.ErrorAlias{{Provider: "nexmo", Like: "vonage"}}}
	events := slices.Concat(twice("sms", "nobody", "1"), twice("sms", "nexmo", "11"), twice("sms", "vonage", "001"))
	verdicts, err := Verdicts(numberModel(t, events...), settings.Numbers{Shipped: shipped})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, v := range verdicts {
		got += fmt.Sprintf("%s %v %d; ", v.State, v.Reasons, v.Guessed)
	}
	if want := "unknown map[barred:2] 2; unknown map[unknown:2] 0; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, broken := range []settings.ErrorMap{{Lines: []settings.ErrorLine{{Provider: "p", Code: "00",
		Class: "barred"}}},
		{Aliases: []settings.ErrorAlias{{Provider: "p", Like: ""}}}} {
		if _, err := Verdicts(numberModel(t),
			settings.Numbers{ErrorMaps: map[string]settings.ErrorMap{"a": broken}}); err == nil {
			t.Errorf("%+v is taken", broken)
		}
	}
}

func TestModel_Unmapped_Cases(t *testing.T) {
	m := numberModel(t, "failed 1 provider=nobody @0", "failed 001 provider=nobody @1d", "failed 5 provider=nobody @0",
		"failed 777 provider=nobody @0", "failed 30005 provider=twilio @0",
		"failed 21 provider=nobody channel=flash_call @0", "failed 1 provider=nobody channel=viber @0", "failed @0",
		"failed 8 provider=mine @0",
		"failed 1 provider=nobody message_id=x @0", "delivered message_id=x @1h", "failed 1 provider=nobody @40d")
	q := ReachQuery{Query: model.Query{From: after(t, "0"), To: after(t, "10d")},
		Numbers: settings.Numbers{ErrorMaps: map[string]settings.ErrorMap{"a": {Lines: []settings.ErrorLine{{Provider: "mine", Code: "8", Class: "barred"}}}}}}
	rows, err := Unmapped(m, q)
	expect(t, "unmapped", rowsText(t, rows, err),
		`{"provider":"nobody","error_code":"1","channel":"sms","guess":"unknown_subscriber","count":2}`,
		`{"provider":"nobody","error_code":"1","channel":"viber","guess":null,"count":1}`,
		`{"provider":"nobody","error_code":"21","channel":"flash_call","guess":"not_answered","count":1}`,
		`{"provider":"nobody","error_code":"5","channel":"sms","guess":"unknown","count":1}`,
		`{"provider":"nobody","error_code":"777","channel":"sms","guess":null,"count":1}`)
}

// The code of the latest failure event counts, whatever order they come in, doubled or not, and if a part's.
func TestModel_Numbers_LatestCode(t *testing.T) {
	for name, c := range map[string]struct {
		want   string
		events []string
	}{
		"27, later 1": {"unknown_subscriber",
			[]string{"undelivered 27 message_id=x @0", "undelivered 1 message_id=x @1h"}},
		"13, later 6": {"absent_subscriber",
			[]string{"undelivered 13 message_id=x @0", "rejected 6 message_id=x @1h"}},
		"a later one without": {"barred", []string{"undelivered 13 message_id=x @0", "rejected message_id=x @1h"}},
		"a later one of zeros": {"barred",
			[]string{"undelivered 13 message_id=x @0", "rejected 000 message_id=x @1h"}},
		"no failure's": {"barred", []string{"undelivered 13 message_id=x @0", "sent 6 message_id=x @1h"}},
		"of a part that came": {"absent_subscriber",
			[]string{"undelivered 13 part=1 parts=2 message_id=x @0", "undelivered 6 part=2 parts=2 message_id=x @1h",
				"delivered part=2 parts=2 message_id=x @2h"}},
		"at one time": {"barred",
			[]string{"undelivered 13 message_id=x @0", "undelivered 27 message_id=x @1h", "failed 9 message_id=x @1h"}},
		"the same code, earlier": {"unknown_subscriber",
			[]string{"undelivered 1 message_id=x @2h", "undelivered 27 message_id=x @1h",
				"undelivered 1 message_id=x @0"}},
	} {
		events := slices.Concat(c.events, c.events)
		for shuffle := range 8 {
			r := rand.New(rand.NewPCG(1, uint64(shuffle)))
			r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			if v := judgeOne(t, settings.Numbers{}, events...); v.Reasons[c.want] != 1 || len(v.Reasons) != 1 {
				t.Fatalf("%s: %v, want %s, of %q", name, v.Reasons, c.want, events)
			}
		}
	}
}
