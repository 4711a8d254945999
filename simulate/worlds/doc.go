// Package worlds makes random worlds for tests.
//
// Where package simulate makes worlds that look real, [RandomMoney] and [RandomNumbers] make small ones in which every
// rule about money and about numbers is met, which the coverage tests of the model count.
package worlds
