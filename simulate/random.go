package simulate

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"sort"
	"time"
)

// rng is a stream of random numbers. Everything drawn from it is computed with integers: floating point may be fused,
// and so rounded, differently on another machine, and the bytes of a world must not depend on it.
type rng struct {
	pcg rand.PCG
}

func (r *rng) seed(a, b uint64) { r.pcg.Seed(mix(a), mix(a^b*0x9e3779b97f4a7c15)) }

func (r *rng) next() uint64 { return r.pcg.Uint64() }

// below returns a number in 0…n−1.
func (r *rng) below(n int64) int64 {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int64(hi)
}

// between returns a number in low…high.
func (r *rng) between(low, high int64) int64 { return low + r.below(high-low+1) }

// share is a probability in units of 2⁻⁶³.
type share uint64

func newShare(p float64) share { return share(p * (1 << 63)) }

func (s share) of(n uint64) bool { return n>>1 < uint64(s) }

func (r *rng) chance(s share) bool { return s.of(r.next()) }

// mix is the finalizer of SplitMix64: it turns a number into one that looks random, for what must stay the same about a
// person or an account without being remembered.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// lottery draws an index in proportion to its weight.
type lottery []uint64 // Cumulative, the last one is the sum.

func newLottery(weights []float64) lottery {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	l := make(lottery, len(weights))
	sum := uint64(0)
	for i, w := range weights {
		sum += uint64(w / total * (1 << 32))
		l[i] = sum
	}
	return l
}

func (l lottery) draw(n uint64) int {
	hi, _ := bits.Mul64(n, l[len(l)-1])
	if len(l) < 8 {
		for i, limit := range l {
			if hi < limit {
				return i
			}
		}
	}
	return sort.Search(len(l), func(i int) bool { return hi < l[i] })
}

// exp2Steps is the resolution of the table of powers.
const exp2Steps = 1024

// powers holds 2^(i/1024) · 2³⁰.
type powers [exp2Steps]uint64

func newPowers() *powers {
	var p powers
	for i := range p {
		p[i] = uint64(math.Round(math.Exp2(float64(i)/exp2Steps) * (1 << 30)))
	}
	return &p
}

// delay is a Delay made ready for integers.
type delay struct {
	median int64 // Milliseconds.
	spread int64 // log2 of the spread, times 2¹⁶.
}

func (d Delay) compile() delay {
	return delay{d.Median.Milliseconds(), int64(math.Round(math.Log2(d.Spread) * (1 << 16)))}
}

// draw returns milliseconds. The normal variable is the sum of four uniform ones.
func (d delay) draw(r *rng, p *powers) int64 {
	n := r.next()
	sum := int64(n&0xffff) + int64(n>>16&0xffff) + int64(n>>32&0xffff) + int64(n>>48)
	z := ((sum - 131070) * 113511) >> 16 // The deviation of the sum is 37 837.
	exponent := (z * d.spread) >> 16
	whole, fraction := exponent>>16, exponent&0xffff
	hi, lo := bits.Mul64(uint64(d.median), p[fraction*exp2Steps>>16])
	shift := uint(30 - min(whole, 29))
	return int64(hi<<(64-shift) | lo>>shift)
}

// curve spreads messages over the hours of the day.
type curve struct {
	start   int64 // Unix milliseconds.
	slot    int64 // Length of a slot in milliseconds.
	weights []uint64
	ends    []uint64 // Cumulative weight × milliseconds.
}

// hourWeights is the traffic of an hour of the day in Moscow, relative: an assumption.
var hourWeights = [24]uint64{8, 5, 4, 3, 3, 5, 10, 20, 35, 55, 70, 75, 72, 68, 66, 66, 68, 70, 72, 65, 50, 35, 22, 13}

// moscowOffset is the zone of the day curve: most recipients live by it.
const moscowOffset = 3 * hourMS

func newCurve(start time.Time, duration time.Duration, l *life) curve {
	c := curve{start: start.UnixMilli(), slot: quarterHourMS}
	sum := uint64(0)
	for at, end := int64(0), duration.Milliseconds(); at < end; at += c.slot {
		hour := (c.start + at + moscowOffset) / hourMS % 24
		weight := l.weight(c.start+at, hourWeights[hour])
		c.weights = append(c.weights, weight)
		sum += weight * uint64(min(c.slot, end-at))
		c.ends = append(c.ends, sum)
	}
	return c
}

// at returns when message i of n is submitted. Times grow with i: the span is cut into n shares of equal traffic, and
// the jitter (20 bits) moves a message within its own.
func (c *curve) at(i, n int64, jitter uint64) int64 {
	hi, lo := bits.Mul64(uint64(i)<<20|jitter&(1<<20-1), c.ends[len(c.ends)-1])
	target, _ := bits.Div64(hi, lo, uint64(n)<<20)
	k := sort.Search(len(c.ends), func(k int) bool { return target < c.ends[k] })
	before := uint64(0)
	if k > 0 {
		before = c.ends[k-1]
	}
	return c.start + int64(k)*c.slot + int64((target-before)/c.weights[k])
}
