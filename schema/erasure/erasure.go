package erasure

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

var (
	// ErrNoKey says that numbers were erased which nobody can recognise without the key.
	ErrNoKey = errors.New("numbers were erased, and without their key they would be stored again: " +
		"set --erasure-key or KASKAD_ERASURE_KEY to the key that they were erased with")
	// ErrOtherKey says that numbers were erased with another key than the one at hand.
	ErrOtherKey = errors.New("numbers were erased with another key, and with this one they would be stored " +
		"again: " +
		"set --erasure-key or KASKAD_ERASURE_KEY (embedded: file erasure.key of the data directory) to the key that " +
		"they were erased with")
)

// Key makes the hashes by which erased numbers are known. Keep it apart from the hashes: there are few enough numbers
// to try them all.
type Key [32]byte

// ParseKey reads a key of 64 hexadecimal digits.
func ParseKey(text string) (*Key, error) {
	decoded, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(decoded) != len(Key{}) {
		return nil, errors.New("the erasure key must be 64 hexadecimal digits, such as `openssl rand -hex 32` prints")
	}
	return (*Key)(decoded), nil
}

// OpenKey reads the key in a file, which only its owner may read, and makes one at first.
func OpenKey(name string) (*Key, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(name); err != nil {
			return nil, fmt.Errorf("make erasure key: %w", err)
		}
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read erasure key: %w", err)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; restore it from a back-up", name, err)
	}
	return key, nil
}

// makeKey writes a new key, on the disk before it is used: without it numbers that were erased are not
// recognised. Somebody else's key stays.
func makeKey(name string) error {
	var key Key
	if _, err := rand.Read(key[:]); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(hex.EncodeToString(key[:]) + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// ID names the key without giving it away.
func (k *Key) ID() string {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte("kaskad erasure key"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// Hash returns what an erased number of an account is known by.
func (k *Key) Hash(account, number string) string {
	sum := hashNumber(hmac.New(sha256.New, k[:]), []byte(account), []byte(number), nil)
	return hex.EncodeToString(sum)
}

// hashNumber returns the hash, in the memory of dst. A number holds no NUL, so no two pairs look alike.
func hashNumber(mac hash.Hash, account, number, dst []byte) []byte {
	mac.Reset()
	dst = append(append(append(dst, number...), 0), account...)
	mac.Write(dst)
	return mac.Sum(dst[:0])
}

// Erasure is one erased number, of which only the hash is known.
type Erasure struct {
	Account, Hash, Pseudonym, KeyID, By string
	AskedMS, DoneMS                     int64 // DoneMS 0: not done yet
}

// pseudonymPrefix makes a pseudonym a valid recipient, so that what was pseudonymised is valid when it is replayed.
const pseudonymPrefix = "user:erased-"

// IsPseudonym reports whether a recipient is what took the place of an erased number.
func IsPseudonym(recipient string) bool { return strings.HasPrefix(recipient, pseudonymPrefix) }

// Request notes that a number is to be erased, before anything is overwritten: from then on ingest knows it. A
// number that was asked for before keeps its pseudonym.
func Request(ctx context.Context, conn driver.Conn, key *Key, account, number, by string,
	now time.Time) (Erasure, error) {
	other, err := otherKeys(ctx, conn, key)
	if err == nil && other {
		err = ErrOtherKey
	}
	if err != nil {
		return Erasure{}, err
	}
	hashed := key.Hash(account, number)
	known, found, err := readErasure(ctx, conn, account, hashed)
	if err != nil || found {
		return known, err
	}
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return Erasure{}, fmt.Errorf("make pseudonym: %w", err)
	}
	e := Erasure{Account: account, Hash: hashed, Pseudonym: pseudonymPrefix + hex.EncodeToString(random[:]),
		KeyID: key.ID(), By: by, AskedMS: now.UnixMilli()}
	if err := insertErasure(ctx, conn, e); err != nil {
		return Erasure{}, err
	}
	// Somebody else may have asked at the same time: all take the pseudonym that was asked for first.
	known, found, err = readErasure(ctx, conn, account, hashed)
	if err == nil && !found {
		err = errors.New("an erasure was stored and cannot be read")
	}
	return known, err
}

// Finish notes when nothing of the number was left. The first time stays.
func Finish(ctx context.Context, conn driver.Conn, e Erasure, now time.Time) (Erasure, error) {
	if e.DoneMS != 0 {
		return e, nil
	}
	e.DoneMS = now.UnixMilli()
	return e, insertErasure(ctx, conn, e)
}

func insertErasure(ctx context.Context, conn driver.Conn, e Erasure) error {
	err := schema.InsertColumns(ctx, conn, "INSERT INTO erasures (account, hash, pseudonym, key_id, asked_ms, `by`, "+
		"done_ms, version)", 0, 1,
		[]any{[]string{e.Account}, []string{e.Hash}, []string{e.Pseudonym}, []string{e.KeyID}, []int64{e.AskedMS},
			[]string{e.By}, []int64{e.DoneMS},
			[]uint64{uint64(time.Now().UnixMicro())}})
	if err != nil {
		return fmt.Errorf("note erasure: %w", err)
	}
	return nil
}

func readErasure(ctx context.Context, conn driver.Conn, account, hashed string) (e Erasure, found bool, err error) {
	list, err := queryErasures(ctx, conn,
		clickhouse.Parameters{"account": account, "hash": hashed, "after_account": "", "after_hash": "", "limit": "1"})
	if err != nil || len(list) == 0 {
		return e, false, err
	}
	return list[0], true, nil
}

// Read lists erasures by account and hash, those behind the given pair; account "" lists all accounts'.
func Read(ctx context.Context, conn driver.Conn, account, afterAccount, afterHash string, limit int) ([]Erasure,
	error) {
	return queryErasures(ctx, conn, clickhouse.Parameters{"account": account, "hash": "", "after_account": afterAccount,
		"after_hash": afterHash,
		"limit":      strconv.Itoa(limit)})
}

func queryErasures(ctx context.Context, conn driver.Conn, parameters clickhouse.Parameters) ([]Erasure, error) {
	rows, err := conn.Query(clickhouse.Context(ctx, clickhouse.WithParameters(parameters)), statement("erasures"))
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	defer rows.Close()
	var list []Erasure
	for rows.Next() {
		var e Erasure
		if err := rows.Scan(&e.Account, &e.Hash, &e.Pseudonym, &e.KeyID, &e.By, &e.AskedMS, &e.DoneMS); err != nil {
			return nil, fmt.Errorf("read erasures: %w", err)
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// ErasedFor lists the accounts for which a number was erased.
func ErasedFor(ctx context.Context, conn driver.Conn, key *Key, number string) (accounts []string, err error) {
	rows, err := conn.Query(ctx, "SELECT DISTINCT toString(account) FROM erasures")
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account string
		if err := rows.Scan(&account); err != nil {
			return nil, fmt.Errorf("read erasures: %w", err)
		}
		accounts = append(accounts, account)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	erased := accounts[:0]
	for _, account := range accounts {
		_, found, err := readErasure(ctx, conn, account, key.Hash(account, number))
		if err != nil {
			return nil, err
		}
		if found {
			erased = append(erased, account)
		}
	}
	return erased, nil
}

// otherKeys reports whether numbers were erased with another key.
func otherKeys(ctx context.Context, conn driver.Conn, key *Key) (bool, error) {
	var other uint64
	err := conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"key": key.ID()})),
		"SELECT count() FROM erasures WHERE key_id != {key:String}").Scan(&other)
	if err != nil {
		return false, fmt.Errorf("read erasures: %w", err)
	}
	return other > 0, nil
}

// Index knows which numbers were erased, as of the last Refresh. It is not safe for concurrent use.
type Index struct {
	key            *Key
	mac            hash.Hash
	rows, version  uint64
	numbers        map[[sha256.Size]byte]erasedNumber
	accounts       []string
	number, hashed []byte
}

// NewIndex knows nothing until Refresh. Without a key (nil), Refresh fails once there are erasures.
func NewIndex(key *Key) *Index {
	e := &Index{key: key}
	if key != nil {
		e.mac = hmac.New(sha256.New, key[:])
	}
	return e
}

// Empty reports whether no number was erased.
func (e *Index) Empty() bool { return len(e.numbers) == 0 }

// Refresh reads the erasures if they have changed since it last did, and reports whether they have. If not, it costs
// one small query.
func (e *Index) Refresh(ctx context.Context, conn driver.Conn) (changed bool, err error) {
	var rows, version uint64
	if err := conn.QueryRow(ctx, "SELECT count(), max(version) FROM erasures").Scan(&rows, &version); err != nil {
		return false, fmt.Errorf("look for erasures: %w", err)
	}
	if rows == e.rows && version == e.version {
		return false, nil
	}
	if rows > 0 && e.key == nil {
		return false, ErrNoKey
	}
	list, err := Read(ctx, conn, "", "", "", maxErasures)
	if err != nil {
		return false, err
	}
	numbers := make(map[[sha256.Size]byte]erasedNumber, len(list))
	var accounts []string
	id := ""
	if e.key != nil {
		id = e.key.ID()
	}
	for _, one := range list {
		if one.KeyID != id {
			return false, ErrOtherKey
		}
		var hashed [sha256.Size]byte
		if n, err := hex.Decode(hashed[:], []byte(one.Hash)); err != nil || n != len(hashed) {
			return false, fmt.Errorf("table erasures holds %q, which is no hash", one.Hash)
		}
		numbers[hashed] = erasedNumber{one.Pseudonym, one.DoneMS > 0}
		if len(accounts) == 0 || accounts[len(accounts)-1] != one.Account {
			accounts = append(accounts, one.Account)
		}
	}
	e.rows, e.version, e.numbers, e.accounts = rows, version, numbers, accounts
	return true, nil
}

// maxErasures bounds what is read at a time, at some 150 bytes each.
const maxErasures = 50_000_000

// erasedNumber is what an erased number is known by.
type erasedNumber struct {
	pseudonym string
	done      bool
}

// lookUp finds a phone number with its +, if it was erased.
func (e *Index) lookUp(account, number []byte) (erasedNumber, bool) {
	if len(number) <= minPhone || number[0] != '+' {
		return erasedNumber{}, false
	}
	e.hashed = hashNumber(e.mac, account, number, e.hashed[:0])
	found, ok := e.numbers[[sha256.Size]byte(e.hashed)]
	return found, ok
}

// lookUpDigits finds a phone number that is written without its +.
func (e *Index) lookUpDigits(account, digits []byte) (erasedNumber, bool) {
	if len(digits) > maxPhone || !allDigits(digits) {
		return erasedNumber{}, false
	}
	e.number = append(append(e.number[:0], '+'), digits...)
	return e.lookUp(account, e.number)
}

// person returns what takes the place of a contact, if that is an erased number, with its + or without.
func (e *Index) person(account, contact []byte) (string, bool) {
	if found, ok := e.lookUp(account, contact); ok {
		return found.pseudonym, true
	}
	found, ok := e.lookUpDigits(account, contact)
	return bare(found.pseudonym), ok
}

// bare is what takes the place of the number's digits where they stand without the +: another person than the number,
// before and after. Of both the greater before is the greater after, for the greatest contact of a message is its
// person.
func bare(pseudonym string) string { return "~" + strings.TrimPrefix(pseudonym, "user:") }

func allDigits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}
