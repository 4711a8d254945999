package simulate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The kinds of traffic, in the order of their lotteries.
const (
	otp = iota
	transactional
	service
	promo
	traffics
)

var trafficNames = [traffics]string{"otp", "transactional", "service", "promo"}

// The triggers, as they are written.
const (
	first         = `,"trigger":"first"`
	byUndelivered = `,"trigger":"undelivered"`
	byUnread      = `,"trigger":"unread"`
	byNoApp       = `,"trigger":"no_app"`
	byExpiry      = `,"trigger":"expired"`
	byRejection   = `,"trigger":"rejected"`
	byHand        = `,"trigger":"manual"`
)

// world is a Config made ready: every text already as the JSON that it becomes, every share as an integer.
type world struct {
	cfg         Config
	now         int64 // Unix milliseconds; nothing happens later.
	curve       curve
	life        *life // nil where all days are alike.
	powers      *powers
	accounts    []*account
	accountDraw lottery
	shares      struct {
		duplicates, reordered, late, neverFinal, poison, clockSkew, farSkew, sparse, conflicting share
		ulids, plain, stale, orphans, lost, drift                                                share
		multipart, omitted, failedFirst, dead, prices, texts, recipientEvents, unknownFields     share
	}
}

type account struct {
	number   uint64
	text     string // The name as JSON.
	name     string
	contacts int64
	named    bool // Its events name the contact.
	traffic  lottery
	routes   [traffics]routes
	dims     [traffics]dimensions
	apps     []string
}

type routes struct {
	draw  lottery
	steps [][]step
}

type step struct {
	channel        *channel
	provider       *provider
	wait, readWait int64 // Milliseconds, 0 for ever.
}

type dimensions struct {
	templates []template
	campaigns []string // "" is none.
	senders   []string
}

type template struct {
	json     string
	segments int
	text     string // As JSON, "" where the world does not know it.
}

type channel struct {
	number                                 int
	name, json                             string
	address                                address
	penetration, rejected, delivered       share
	read, clicked, replied                 share // clicked and replied of the read, where reads are known.
	accept, deliver, readAfter, replyAfter delay
	expiry                                 int64
	providers                              []provider
	providerDraw                           lottery
	failures, unreachable                  failures
	sms, reads                             bool
}

type provider struct {
	name, json   string
	zone         zone
	blind        bool
	wholeSeconds bool
	prices       []string // By segments; "" where it reports none.
}

type failures struct {
	draw lottery
	list []failure
}

type failure struct {
	status int
	json   string
}

// address is what a recipient is on a channel.
type address int

const (
	byPhone address = iota
	byDevice
	byUser
	byEmail
)

// zone is how a provider writes times.
type zone struct {
	offset int64 // Milliseconds.
	suffix string
	micros bool
}

func newWorld(cfg Config) (*world, error) {
	if cfg.Routes == nil {
		cfg.Routes = DefaultRoutes()
	}
	channels := DefaultChannels()
	for name, channel := range cfg.Channels {
		channels[name] = channel
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	w := &world{cfg: cfg, now: cfg.Now.UnixMilli(), powers: newPowers(), curve: newCurve(cfg.Start, cfg.Duration, nil)}
	if cfg.Now.IsZero() {
		w.now = cfg.Start.Add(cfg.Duration + defaultSettling).UnixMilli()
	}
	w.setShares()
	compiled := make(map[string]*channel)
	names := make([]string, 0, len(channels))
	for name := range channels {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		compiled[name] = newChannel(i, name, channels[name])
	}
	weights := make([]float64, cfg.Accounts)
	for i := range weights {
		weights[i] = 1 / float64(i+1)
		acc, err := w.newAccount(i, compiled)
		if err != nil {
			return nil, err
		}
		w.accounts = append(w.accounts, acc)
	}
	w.accountDraw = newLottery(weights)
	if cfg.Life {
		w.life = newLife(w)
		w.curve = newCurve(cfg.Start, cfg.Duration, w.life)
	}
	return w, nil
}

func (w *world) setShares() {
	c, s := &w.cfg, &w.shares
	for _, x := range []struct {
		to   *share
		from float64
	}{{&s.duplicates, c.Duplicates}, {&s.reordered, c.Reordered}, {&s.late, c.Late}, {&s.neverFinal, c.NeverFinal},
		{&s.poison, c.Poison},
		{&s.clockSkew, c.ClockSkew}, {&s.farSkew, c.FarSkew}, {&s.sparse, c.SparseReceipts},
		{&s.conflicting, c.ConflictingDimensions},
		{&s.ulids, c.ULIDs}, {&s.plain, c.PlainIDs}, {&s.stale, c.StaleIDs}, {&s.orphans, c.Orphans}, {&s.lost, c.Lost},
		{&s.drift, c.SubmittedDrift},
		{&s.multipart, c.Multipart}, {&s.omitted, c.OmittedDeliveries}, {&s.failedFirst, c.FailedFirst},
		{&s.dead, c.DeadNumbers},
		{&s.prices, c.ReportedPrices}, {&s.texts, c.SMSTexts}, {&s.recipientEvents, c.RecipientEvents},
		{&s.unknownFields, c.UnknownFields}} {
		*x.to = newShare(x.from)
	}
}

func newChannel(number int, name string, c Channel) *channel {
	ch := &channel{
		number: number, name: name, json: `,"channel":` + quote(name),
		penetration: newShare(c.Penetration), rejected: newShare(c.Rejected), delivered: newShare(c.Delivered),
		read:    newShare(c.Read),
		clicked: newShare(c.Clicked), replied: newShare(c.Replied),
		accept: c.Accept.compile(), deliver: c.Deliver.compile(), readAfter: c.ReadAfter.compile(),
		replyAfter: c.ReplyAfter.compile(),
		expiry:     c.Expiry.Milliseconds(), failures: newFailures(c.Failures), unreachable: newFailures(c.Unreachable),
		sms: name == "sms", reads: c.Read > 0,
	}
	if ch.reads {
		ch.clicked = newShare(min(1, c.Clicked/c.Read))
		ch.replied = newShare(min(1, c.Replied/c.Read))
	}
	switch name {
	case "push":
		ch.address = byDevice
	case "messenger", "instagram":
		ch.address = byUser
	case "email":
		ch.address = byEmail
	}
	var weights []float64
	for _, p := range c.Providers {
		ch.providers = append(ch.providers, newProvider(ch, p))
		weights = append(weights, p.Weight)
	}
	ch.providerDraw = newLottery(weights)
	return ch
}

func newProvider(ch *channel, p Provider) provider {
	compiled := provider{name: p.Name, json: `,"provider":` + quote(p.Name), blind: p.Blind,
		wholeSeconds: p.WholeSeconds, zone: zone{suffix: "Z"}}
	switch p.Name {
	case "devino", "mts":
		compiled.zone = zone{offset: moscowOffset, suffix: "+03:00"}
	case "edna":
		compiled.zone = zone{suffix: "Z", micros: true}
	case "rbm":
		compiled.zone = zone{offset: -5 * hourMS, suffix: "-05:00"}
	case "zvonok":
		compiled.zone = zone{offset: 5*hourMS + hourMS/2, suffix: "+05:30"}
	}
	if ch.sms {
		for segments := range 12 {
			price := fmt.Sprintf(`,"price":"%d.%02d","currency":"RUB"`, segments*235/100, segments*235%100)
			if p.Name == "twilio" {
				price = fmt.Sprintf(`,"price":"0.%04d","currency":"USD"`, segments*75)
			}
			compiled.prices = append(compiled.prices, price)
		}
	}
	return compiled
}

func newFailures(list []Failure) failures {
	var f failures
	var weights []float64
	for _, x := range list {
		text := ""
		if x.Code != "" {
			text = `,"error_code":` + quote(x.Code)
		}
		if x.Permanent {
			text += `,"permanent":true`
		}
		f.list = append(f.list, failure{slices.Index(statusNames[:], x.Status), text})
		weights = append(weights, x.Weight)
	}
	f.draw = newLottery(weights)
	return f
}

// accountKinds are the names and habits of accounts: shares of otp, transactional, service and promo.
var accountKinds = [...]struct {
	name    string
	traffic [traffics]float64
}{
	{"nordbank", [traffics]float64{45, 35, 10, 10}},
	{"lavka", [traffics]float64{10, 35, 10, 45}},
	{"центр", [traffics]float64{10, 30, 40, 20}},
	{"kurier", [traffics]float64{5, 80, 10, 5}},
	{"medline", [traffics]float64{10, 40, 40, 10}},
	{"kinozal", [traffics]float64{10, 10, 30, 50}},
}

func (w *world) newAccount(i int, channels map[string]*channel) (*account, error) {
	kind := accountKinds[i%len(accountKinds)]
	name := kind.name
	if round := i / len(accountKinds); round > 0 {
		name = fmt.Sprintf("%s-%d", name, round+1)
	}
	acc := &account{number: uint64(i), name: name, text: quote(name), named: i%2 == 0, contacts: int64(w.cfg.Contacts),
		traffic: newLottery(kind.traffic[:])}
	if acc.contacts == 0 {
		acc.contacts = int64(max(w.cfg.Messages/w.cfg.Accounts/5, 20))
	}
	for a := range 1 + i%2 {
		acc.apps = append(acc.apps, `,"app":`+quote(fmt.Sprintf("%s-app-%d", kind.name, a+1)))
	}
	for traffic := range traffics {
		acc.dims[traffic] = newDimensions(traffic, name)
		if err := w.addRoutes(acc, traffic, channels); err != nil {
			return nil, err
		}
	}
	return acc, nil
}

func (w *world) addRoutes(acc *account, traffic int, channels map[string]*channel) error {
	var weights []float64
	for n, route := range w.cfg.Routes {
		if route.Traffic != trafficNames[traffic] || route.Weight == 0 {
			continue
		}
		var steps []step
		for _, s := range route.Steps {
			ch := channels[s.Channel]
			compiled := step{channel: ch, wait: s.Wait.Milliseconds(), readWait: s.ReadWait.Milliseconds()}
			k := slices.IndexFunc(ch.providers, func(p provider) bool { return p.name == s.Provider })
			if s.Provider == "" {
				k = ch.providerDraw.draw(mix(w.cfg.Seed ^ mix(acc.number<<8|uint64(ch.number))))
			}
			if k < 0 {
				return fmt.Errorf("simulator configuration: route %d: channel %s has no provider %q", n, s.Channel,
					s.Provider)
			}
			compiled.provider = &ch.providers[k]
			steps = append(steps, compiled)
		}
		acc.routes[traffic].steps = append(acc.routes[traffic].steps, steps)
		bend := 256 + mix(w.cfg.Seed^mix(1<<40|acc.number<<16|uint64(n)))%1793
		weights = append(weights, route.Weight*float64(bend)/1024)
	}
	acc.routes[traffic].draw = newLottery(weights)
	return nil
}

func newDimensions(traffic int, account string) dimensions {
	dim := func(name, value string) string { return `,"` + name + `":` + quote(value) }
	d := dimensions{senders: []string{dim("sender", "Kaskad"), dim("sender", strings.ToUpper(account))},
		campaigns: []string{""}}
	add := func(name string, segments int, text string) {
		if text != "" {
			text = `,"sms_text":` + quote(text)
		}
		d.templates = append(d.templates,
			template{dim("template", name) + `,"traffic":"` + trafficNames[traffic] + `"`, segments, text})
	}
	switch traffic {
	case otp:
		add("login", 1, "Kod 482913. Nikomu ego ne soobshchayte.")
		add("signup", 1, "Код подтверждения 5512")
		add("payment", 2, "")
		d.senders = d.senders[:1]
	case transactional:
		add("order-paid", 2, "Заказ 1042 оплачен. Соберём его сегодня и напишем, когда он будет в пункте выдачи.")
		add("on-the-way", 2, "")
		add("balance", 1, "")
		add("pickup", 3, "")
		d.campaigns = []string{"", "", "", dim("campaign", "welcome")}
	case service:
		add("visit", 2, "Напоминаем о записи завтра в 10:30. Если планы изменились, ответьте на это сообщение.")
		add("survey", 3, "")
		add("card-ready", 2, "")
		add("debt", 4, "")
	case promo:
		add("sale", 3, "")
		add("bday", 2, "")
		add("weekend", 4, "")
		add("back", 5, "")
		// The last one needs escapes and two code units a letter: a decoder has to cope with both.
		d.campaigns = nil
		for _, name := range []string{"black-friday", "new-arrivals", "win-back", "loyalty", "flash-sale",
			`Скидка "−20 %" \ 🎁`} {
			d.campaigns = append(d.campaigns, dim("campaign", name))
		}
	}
	return d
}

// quote returns the text as a JSON string. Text that is not valid UTF-8 does not occur here.
func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(text)
}

// localHour is the hour of the day in Moscow.
func localHour(ms int64) int64 { return (ms + moscowOffset) / hourMS % 24 }

// promotionAllowed tells whether promotion may be sent: the guide's window for Viber, 9 to 20 local time.
func promotionAllowed(ms int64) bool {
	hour := localHour(ms)
	return hour >= 9 && hour < 20
}
