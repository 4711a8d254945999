package numbers

import (
	"strings"
	"testing"

	"kaskad/simulate/model/settings"
)

// E-mail addresses have health by the rules of numbers, with classes of their own.
func TestModel_Numbers_Mail(t *testing.T) {
	mail := func(text string) string { return text + " channel=email provider=mailer recipient=email:a@b.c" }
	soft := []string{"expired c1 @0", "failed 552 c2 @3d", "failed XX c3 @6d", "failed 552 c4 @9d", "expired c5 @14d"}
	for name, c := range map[string]struct {
		want   string
		events []string
	}{
		"no mailbox once":      {"suspect", []string{"failed 550 c1 @0"}},
		"in two mailings":      {"dead hard 24h0m0s", []string{"failed 550 c1 @0", "failed 550 c2 @24h"}},
		"soft ones":            {"dead soft 336h0m0s", soft},
		"a delivery elsewhere": {"unknown", append([]string{"delivered c9 whatsapp @10d"}, soft...)},
		"a number's class": {"unknown",
			[]string{"failed 900 c1 @0", "failed 900 c2 @24h", "failed 1 c1 @0", "failed 1 c2 @24h"}},
		"a lookup": {"unknown", []string{"lookup invalid @0"}},
		"bounced": {"dead hard 24h0m0s",
			[]string{"delivered message_id=x @24h", "undelivered 550 permanent c2 message_id=x @24h+40s",
				"failed 550 c1 @0"}},
		"bounced after an open": {"suspect",
			[]string{"read machine message_id=x @24h", "clicked message_id=x @24h",
				"undelivered 550 permanent c2 message_id=x @24h+40s"}},
		"bounced but answered": {"active",
			[]string{"replied message_id=x @24h", "undelivered 550 permanent c2 message_id=x @24h+40s"}},
		"not permanent": {"active",
			[]string{"delivered message_id=x @24h", "undelivered 550 c2 message_id=x @24h+40s"}},
		"a machine's open": {"active", []string{"failed 550 c1 @0", "read machine @1d"}},
		"revived by a machine": {"revived",
			[]string{"failed 550 c1 @0", "failed 550 c2 @24h", "read machine @25d"}},
		"what greylists": {"unknown", []string{"failed 421 c1 @0", "failed 421 c2 @24h"}},
		"outside of the 400 days": {"unknown",
			[]string{"delivered submitted_at= message_id=" + uuidAt(noon.AddDate(0, 0, -401)) + " @0"}},
		"the address by SMS":       {"unknown", []string{"failed 550 c1 sms @0", "failed 550 c2 sms @24h"}},
		"a phone by e-mail is not": {"unknown", []string{"failed 550 c1 phone @0", "failed 550 c2 phone @24h"}},
	} {
		var events []string
		for _, text := range c.events {
			switch {
			case strings.Contains(text, " whatsapp"):
				text = strings.Replace(mail(text), "channel=email", "channel=whatsapp", 1)
				text = strings.Replace(text, " whatsapp ", " ", 1)
			case strings.Contains(text, " sms "):
				text = strings.Replace(strings.Replace(mail(text), "channel=email", "channel=sms", 1), " sms ", " ", 1)
			case strings.Contains(text, " phone "):
				text = strings.Replace(text, " phone ", " ", 1) +
					" channel=email provider=mailer recipient=+79160000001"
			default:
				text = mail(text)
			}
			events = append(events, text)
		}
		own := ownCodes()
		list := own["a"]
		list.Lines = append(list.Lines, settings.ErrorLine{Provider: "mailer", Code: "421", Class: "reputation_block"})
		own["a"] = list
		verdicts, err := Verdicts(numberModel(t, events...), settings.Numbers{ErrorMaps: own})
		if err != nil {
			t.Fatal(err)
		}
		if len(verdicts) != 1 || verdicts[0].short() != c.want {
			t.Errorf("%s: %+v, want %s", name, verdicts, c.want)
		}
	}
}
