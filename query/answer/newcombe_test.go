package answer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func shownInterval(d, low, high Value) [3]string {
	return [3]string{d.Plain(), low.Plain(), high.Plain()}
}

// Independent: examples of Newcombe's table II (method 10 prints 0.0524…0.3339 for the first), to 6 decimals by
// statsmodels 0.15, confint_proportions_2indep with method newcomb.
func TestNewcombe_Published(t *testing.T) {
	for of, want := range map[[4]uint64][3]string{
		{56, 70, 48, 80}: {"0.2", "0.052431", "0.333873"},
		{9, 10, 3, 10}:   {"0.6", "0.170523", "0.809018"},
		{0, 10, 0, 20}:   {"0", "-0.161125", "0.277533"},
		{10, 10, 0, 20}:  {"1", "0.679086", "1"},
		{5, 56, 0, 29}:   {"0.089286", "-0.038137", "0.19256"},
		{0, 0, 1, 2}:     {"", "", ""},
		{1, 2, 0, 0}:     {"", "", ""},
	} {
		if got := shownInterval(Newcombe(of[0], of[1], of[2], of[3])); got != want {
			t.Errorf("%v: %v, want %v", of, got, want)
		}
	}
}

// Paired: airway responsiveness before and after transplantation, 1 1 7 12, which Fagerland, Lydersen and Laake print
// as −0.507…−0.026 (Statistics in Medicine 33 (2014) 2850–2875); the others are tables of Newcombe's kind, with the
// digits of a second implementation, in floats.
func TestPairedNewcombe_Published(t *testing.T) {
	for of, want := range map[[4]uint64][3]string{
		{1, 1, 7, 12}:        {"-0.285714", "-0.50692", "-0.025559"},
		{59, 6, 16, 80}:      {"-0.062112", "-0.118621", "-0.004625"},
		{36, 12, 2, 0}:       {"0.2", "0.05693", "0.340428"},
		{36, 14, 0, 0}:       {"0.28", "0.15284", "0.416651"},
		{0, 0, 0, 30}:        {"0", "-0.113513", "0.113513"},
		{212, 144, 256, 707}: {"-0.084913", "-0.114192", "-0.055433"},
		{53, 0, 0, 1}:        {"0", "-0.072938", "0.072938"},
		{0, 0, 0, 0}:         {"", "", ""},
	} {
		if got := shownInterval(PairedNewcombe(of[0], of[1], of[2], of[3])); got != want {
			t.Errorf("%v: %v, want %v", of, got, want)
		}
	}
}

// An interval holds its difference, lies within −1…1, turns round with its sides, and is what floats make of the
// formula.
func TestNewcombe_Laws(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	some := func() uint64 { return r.Uint64N(uint64(math.Pow(10, float64(r.IntN(7))))) }
	for range 3000 {
		e, f, g, h := some(), some(), some(), some()
		if e+f == 0 || g+h == 0 {
			continue
		}
		d, low, high := Newcombe(e, e+f, g, g+h)
		checkInterval(t, fmt.Sprint("independent ", e, f, g, h), [3]Value{d, low, high})
		mirrored(t, [3]Value{d, low, high}, Newcombe)(g, g+h, e, e+f)
		near(t, [3]Value{d, low, high}, float64(e)/float64(e+f), float64(e+f), float64(g)/float64(g+h), float64(g+h), 0)

		d, low, high = PairedNewcombe(e, f, g, h)
		checkInterval(t, fmt.Sprint("paired ", e, f, g, h), [3]Value{d, low, high})
		mirrored(t, [3]Value{d, low, high}, PairedNewcombe)(e, g, f, h)
		n := float64(e + f + g + h)
		near(t, [3]Value{d, low, high}, float64(e+f)/n, n, float64(e+g)/n, n, floatPhi(e, f, g, h))
	}
}

// More of the same people narrows the interval.
func TestNewcombe_Narrows(t *testing.T) {
	for n := uint64(1); n < 1_000_000; n *= 3 {
		_, low, high := Newcombe(3*n, 10*n, 2*n, 10*n)
		_, low3, high3 := Newcombe(9*n, 30*n, 6*n, 30*n)
		if low3.n <= low.n || high3.n >= high.n {
			t.Errorf("%d: %v…%v, of three times as many %v…%v", n, low.Plain(), high.Plain(), low3.Plain(), high3.Plain())
		}
	}
}

func checkInterval(t *testing.T, what string, i [3]Value) {
	t.Helper()
	if i[1].n > i[0].n || i[0].n > i[2].n || i[1].n < -Million || i[2].n > Million {
		t.Errorf("%s: %v", what, i)
	}
}

// mirrored wants the interval of exchanged sides to be that of the other way round.
func mirrored(t *testing.T, i [3]Value,
	of func(a, b, c, d uint64) (Value, Value, Value)) func(a, b, c, d uint64) {
	t.Helper()
	return func(a, b, c, d uint64) {
		t.Helper()
		if x, low, high := of(a, b, c, d); x.n != -i[0].n || low.n != -i[2].n || high.n != -i[1].n {
			t.Errorf("%d %d %d %d: %d %d %d, the other way round %v", a, b, c, d, x.n, low.n, high.n, i)
		}
	}
}

func floatPhi(e, f, g, h uint64) float64 {
	margins := float64(e+f) * float64(g+h) * float64(e+g) * float64(f+h)
	if margins == 0 {
		return 0
	}
	a := float64(e)*float64(h) - float64(f)*float64(g)
	if a > 0 {
		a = max(a-float64(e+f+g+h)/2, 0)
	}
	return a / math.Sqrt(margins)
}

// near compares with floats.
func near(t *testing.T, i [3]Value, p1, n1, p2, n2, phi float64) {
	t.Helper()
	const z = 1.959963984540054
	wilson := func(p, n float64) (low, high float64) {
		middle, spread := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
		return (middle - spread) / (1 + z*z/n), (middle + spread) / (1 + z*z/n)
	}
	l1, u1 := wilson(p1, n1)
	l2, u2 := wilson(p2, n2)
	root := func(a, b float64) float64 { return math.Sqrt(max(a*a+b*b-2*phi*a*b, 0)) }
	for at, want := range []float64{p1 - p2, p1 - p2 - root(p1-l1, u2-p2), p1 - p2 + root(u1-p1, p2-l2)} {
		if got := float64(i[at].n) / Million; math.Abs(got-want) > 2e-6 {
			t.Errorf("%v: place %d is %v, want %v", i, at, got, want)
		}
	}
}
