package engine

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// A member that goes away while it waits to be let into its group is missed like any other: the group is balanced again
// when its session has ended, and none of its partitions stays unread.
func TestBroker_MemberGoneWhileJoining(t *testing.T) {
	b := startBroker(t, BrokerConfig{Dir: t.TempDir(), Topics: brokerTopics()})
	join := func(ctx context.Context, client *kgo.Client, member string) (*kmsg.JoinGroupResponse, error) {
		r := kmsg.NewPtrJoinGroupRequest()
		r.Group, r.MemberID, r.ProtocolType = "g", member, "consumer"
		r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 6000, 15_000
		r.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}}
		return r.RequestWith(ctx, client)
	}
	must := func(response *kmsg.JoinGroupResponse, err error) *kmsg.JoinGroupResponse {
		t.Helper()
		if err == nil {
			err = kerr.ErrorForCode(response.ErrorCode)
		}
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// Version 3 is the last one that lets a member join without having told it its id first, as kafka-go does.
	old := kgo.MaxVersions(versionsWithJoin(3))
	stays, goes := kgoClient(t, b, old), kgoClient(t, b, old)

	sync := func(in *kmsg.JoinGroupResponse) {
		t.Helper()
		r := kmsg.NewPtrSyncGroupRequest()
		r.Group, r.MemberID, r.Generation = "g", in.MemberID, in.Generation
		for _, m := range in.Members {
			r.GroupAssignment = append(r.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: m.MemberID})
		}
		if response, err := r.RequestWith(ctx, stays); err != nil || response.ErrorCode != 0 {
			t.Fatalf("sync: %v, %v", response, err)
		}
	}
	balanced := func(in *kmsg.JoinGroupResponse) func() bool {
		return func() bool {
			r := kmsg.NewPtrHeartbeatRequest()
			r.Group, r.MemberID, r.Generation = "g", in.MemberID, in.Generation
			response, err := r.RequestWith(ctx, stays)
			if err != nil {
				t.Fatal(err)
			}
			return response.ErrorCode == kerr.RebalanceInProgress.Code
		}
	}
	first := must(join(ctx, stays, ""))
	sync(first)
	leaving, leave := context.WithCancel(ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = join(leaving, goes, "")
	}()
	waitFor(t, "the second member is let in", balanced(first))
	leave()
	goes.CloseAllowingRebalance()
	<-gone
	time.Sleep(300 * time.Millisecond) // time for the broker to notice, which nothing tells
	second := must(join(ctx, stays, first.MemberID))
	if len(second.Members) != 2 {
		t.Fatalf("%d members, want the one that has gone, too", len(second.Members))
	}
	sync(second)
	waitFor(t, "the member that has gone is missed", balanced(second))
	if third := must(join(ctx, stays, first.MemberID)); len(third.Members) != 1 {
		t.Errorf("%d members, want 1", len(third.Members))
	}
}

// versionsWithJoin are the newest versions of all requests, but of JoinGroup.
func versionsWithJoin(version int16) *kversion.Versions {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.JoinGroup), version)
	return versions
}
