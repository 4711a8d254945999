package kafkaguard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// minRequest is a length, key, version, correlation id and no client id.
	minRequest = 14

	// maxRequest is the largest request, as in Apache Kafka, and maxPlainRequest
	// the largest one without records.
	maxRequest      = 100 << 20
	maxPlainRequest = 256 << 10

	// maxElements is how many topics, partitions, members, ... a request may
	// name in all.
	maxElements = 10_000

	// maxString is the longest name; maxBytes the longest opaque value, such as
	// a member's metadata.
	maxString = 4 << 10
	maxBytes  = 64 << 10

	// What a client may ask for beyond that is cut to this: the wait and the
	// size of a fetch, and the wait for members of a group.
	maxFetchWaitMillis = 60_000
	maxFetchBytes      = 16 << 20
	maxRebalanceMillis = 10 * 60_000

	topicsBelongToKaskad = "the topics of the embedded broker are made by the process that runs it"
)

// versions is a range of a request's versions.
type versions struct{ min, max int16 }

// served are the requests that may reach kfake, in those of its versions that
// have no tagged fields: about what Kafka 2.3 spoke, which every client still
// speaks. The decoder of tagged fields believes their number, and 30 bytes keep
// it busy for a minute. login adds those of a login, which are answered here.
func served(login bool) map[int16]versions {
	all := map[int16]versions{
		int16(kmsg.Produce):              {3, 8},
		int16(kmsg.Fetch):                {4, 11},
		int16(kmsg.ListOffsets):          {0, 5},
		int16(kmsg.Metadata):             {0, 8},
		int16(kmsg.OffsetCommit):         {0, 7},
		int16(kmsg.OffsetFetch):          {0, 5},
		int16(kmsg.FindCoordinator):      {0, 2},
		int16(kmsg.JoinGroup):            {0, 5},
		int16(kmsg.Heartbeat):            {0, 3},
		int16(kmsg.LeaveGroup):           {0, 3},
		int16(kmsg.SyncGroup):            {0, 3},
		int16(kmsg.DescribeGroups):       {0, 4},
		int16(kmsg.ListGroups):           {0, 2},
		int16(kmsg.ApiVersions):          {0, 2},
		int16(kmsg.CreateTopics):         {0, 4}, // answered here
		int16(kmsg.InitProducerID):       {0, 1},
		int16(kmsg.OffsetForLeaderEpoch): {3, 3},
		int16(kmsg.AddPartitionsToTxn):   {0, 2},
		int16(kmsg.AddOffsetsToTxn):      {0, 2},
		int16(kmsg.EndTxn):               {0, 2},
		int16(kmsg.TxnOffsetCommit):      {0, 2},
		int16(kmsg.DescribeConfigs):      {0, 3},
	}
	if login {
		all[int16(kmsg.SASLHandshake)] = versions{1, 1}
		all[int16(kmsg.SASLAuthenticate)] = versions{0, 1}
	}
	return all
}

// verdict says what becomes of a request: it goes on to kfake, as it came or as
// frame, or it gets answer from here.
type verdict struct {
	sent   sent
	frame  []byte
	answer kmsg.Response
	last   bool // the connection ends after the answer
}

// header is the beginning of every request.
type header struct {
	key, version int16
	correlation  int32
	body         int // where it begins in the frame
}

// judge decodes a request, its length included. An error ends the connection, as
// Apache Kafka does with requests that it cannot read.
func (l *listener) judge(frame []byte) (v verdict, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("a request that cannot be decoded: %v", r)
		}
	}()
	reader := kbin.Reader{Src: frame[4:]}
	h := header{key: reader.Int16(), version: reader.Int16(), correlation: reader.Int32()}
	v.sent = sent{correlation: h.correlation, key: h.key, version: h.version}
	supported, ok := served(false)[h.key]
	if !ok {
		return v, fmt.Errorf("request %d (%s), which is not served here", h.key, kmsg.NameForKey(h.key))
	}
	if h.version < supported.min || h.version > supported.max {
		if h.key == int16(kmsg.ApiVersions) && h.version > supported.max {
			v.answer = unsupportedApiVersions(supported)
			return v, nil
		}
		return v, fmt.Errorf("request %s in version %d, served are %d to %d",
			kmsg.NameForKey(h.key), h.version, supported.min, supported.max)
	}
	request := kmsg.RequestForKey(h.key)
	request.SetVersion(h.version)
	_ = reader.NullableString()
	if !reader.Ok() {
		return v, errors.New("a request whose header is not whole")
	}
	h.body = len(frame) - len(reader.Src)
	if produce, ok := request.(*kmsg.ProduceRequest); ok {
		return v, l.judgeProduce(&v, frame, h, produce)
	}
	return v, l.judgePlain(&v, frame, h, request)
}

// judgePlain decodes a request without records.
func (l *listener) judgePlain(v *verdict, frame []byte, h header, request kmsg.Request) error {
	if len(frame) > maxPlainRequest {
		return fmt.Errorf("request %s of %d bytes, the limit is %d", kmsg.NameForKey(h.key), len(frame),
			maxPlainRequest)
	}
	if len(frame) > smallBuffer {
		l.decoding.Lock()
		defer l.decoding.Unlock()
	}
	if err := request.ReadFrom(frame[h.body:]); err != nil {
		return fmt.Errorf("request %s that cannot be decoded: %w", kmsg.NameForKey(h.key), err)
	}
	elements := 0
	if err := measure(reflect.ValueOf(request).Elem(), &elements); err != nil {
		return fmt.Errorf("request %s: %w", kmsg.NameForKey(h.key), err)
	}
	if create, ok := request.(*kmsg.CreateTopicsRequest); ok {
		v.answer = l.createTopics(create)
		return nil
	}
	if init, ok := request.(*kmsg.InitProducerIDRequest); ok && !l.knowProducer(-1) {
		response := init.ResponseKind().(*kmsg.InitProducerIDResponse)
		response.ErrorCode = kerr.CoordinatorLoadInProgress.Code // it tries again
		v.answer = response
		return nil
	}
	if err := fatal(request); err != nil {
		return fmt.Errorf("request %s: %w", kmsg.NameForKey(h.key), err)
	}
	for _, group := range groupsOf(request) {
		if !l.knowGroup(group) {
			return fmt.Errorf("request %s for one group more than %d", kmsg.NameForKey(h.key), l.config.limits.groups)
		}
	}
	if cut(request) {
		v.frame = request.AppendTo(append([]byte(nil), frame[:h.body]...))
		binary.BigEndian.PutUint32(v.frame, uint32(len(v.frame)-4))
	}
	return nil
}

// measure walks a decoded request and counts what is in it.
func measure(value reflect.Value, elements *int) error {
	switch value.Kind() {
	case reflect.String:
		if value.Len() > maxString {
			return fmt.Errorf("a text of %d bytes, the limit is %d", value.Len(), maxString)
		}
	case reflect.Pointer:
		if !value.IsNil() {
			return measure(value.Elem(), elements)
		}
	case reflect.Struct:
		for i := range value.NumField() {
			if err := measure(value.Field(i), elements); err != nil {
				return err
			}
		}
	case reflect.Slice:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			if value.Len() > maxBytes {
				return fmt.Errorf("a value of %d bytes, the limit is %d", value.Len(), maxBytes)
			}
			return nil
		}
		if *elements += value.Len(); *elements > maxElements {
			return fmt.Errorf("more than %d elements", maxElements)
		}
		for i := range value.Len() {
			if err := measure(value.Index(i), elements); err != nil {
				return err
			}
		}
	}
	return nil
}

// cut lowers numbers that kfake would believe, and says whether it did.
func cut(request kmsg.Request) bool {
	lowered := false
	lower := func(n *int32, limit int32) {
		if *n > limit || *n < 0 {
			*n, lowered = limit, true
		}
	}
	switch r := request.(type) {
	case *kmsg.FetchRequest:
		lower(&r.MaxWaitMillis, maxFetchWaitMillis)
		lower(&r.MaxBytes, maxFetchBytes)
	case *kmsg.JoinGroupRequest:
		if r.Version >= 1 {
			lower(&r.RebalanceTimeoutMillis, maxRebalanceMillis)
		}
	}
	return lowered
}

// fatal finds valid requests that end kfake in its own loop. The fuzz tests found
// them; testdata has the seeds.
func fatal(request kmsg.Request) error {
	join, ok := request.(*kmsg.JoinGroupRequest)
	if !ok {
		return nil
	}
	// kfake counts the members that support a protocol, and panics when no count
	// equals the number of members.
	names := make(map[string]struct{}, len(join.Protocols))
	for _, protocol := range join.Protocols {
		names[protocol.Name] = struct{}{}
	}
	if len(names) == 0 || len(names) < len(join.Protocols) {
		return errors.New("a member without protocols, or with one twice")
	}
	return nil
}

// groupsOf are the names of the groups that a request may make.
func groupsOf(request kmsg.Request) []string {
	switch r := request.(type) {
	case *kmsg.JoinGroupRequest:
		return []string{r.Group}
	case *kmsg.OffsetCommitRequest:
		return []string{r.Group}
	case *kmsg.TxnOffsetCommitRequest:
		return []string{r.Group}
	case *kmsg.AddOffsetsToTxnRequest:
		return []string{r.Group}
	}
	return nil
}

// createTopics answers those who make sure of a topic that is there. Others it
// refuses: nothing would bound what such a topic keeps.
func (l *listener) createTopics(request *kmsg.CreateTopicsRequest) kmsg.Response {
	response := request.ResponseKind().(*kmsg.CreateTopicsResponse)
	for _, topic := range request.Topics {
		answer := kmsg.NewCreateTopicsResponseTopic()
		answer.Topic = topic.Topic
		answer.ErrorCode = kerr.PolicyViolation.Code
		message := topicsBelongToKaskad
		if l.config.HasTopic(topic.Topic) {
			answer.ErrorCode, message = kerr.TopicAlreadyExists.Code, kerr.TopicAlreadyExists.Description
		}
		answer.ErrorMessage = &message
		response.Topics = append(response.Topics, answer)
	}
	return response
}
