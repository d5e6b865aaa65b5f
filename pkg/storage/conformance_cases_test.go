// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/features"
	apistorage "k8s.io/apiserver/pkg/storage"
	suite "k8s.io/apiserver/pkg/storage/testing"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/featuregate"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
)

// conformanceCase runs one function of the suite.
type conformanceCase struct {
	function string
	run      func(context.Context, *testing.T, *environment)
	options  []environmentOption
	// variants it runs in, instead of the default one; in a setting without a
	// cache those that only concern caches are left out.
	variants []string
	// alone is for those that set feature gates themselves, or are short of time.
	alone bool
}

func (c conformanceCase) in(variant, setting string) bool {
	if len(c.variants) == 0 {
		return variant == defaults
	}
	if setting == raw && slices.Equal(c.variants, listing) {
		return variant == defaults
	}
	return slices.Contains(c.variants, variant)
}

// variant is a choice of feature gates.
type variant struct {
	name  string
	gates map[featuregate.Feature]bool
	// emulate is the version whose gates can still be changed; "" is today's.
	emulate string
}

func (v variant) apply(t *testing.T) {
	if v.emulate != "" {
		featuregatetesting.SetFeatureGateEmulationVersionDuringTest(t, utilfeature.DefaultFeatureGate, version.MustParse(v.emulate))
	}
	for gate, on := range v.gates {
		featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, gate, on)
	}
}

const (
	defaults         = "Defaults"
	noSnapshots      = "NoListFromCacheSnapshot"
	noConsistentList = "NoConsistentListFromCache"
	noSizes          = "NoSizeBasedListCostEstimate"
	concurrentDecode = "ConcurrentWatchObjectDecode"
	unsafeDeletion   = "AllowUnsafeMalformedObjectDeletion"
)

var variants = []variant{
	{name: defaults},
	{name: noSnapshots, gates: map[featuregate.Feature]bool{features.ListFromCacheSnapshot: false}},
	{name: noConsistentList, gates: map[featuregate.Feature]bool{features.ConsistentListFromCache: false}, emulate: "1.33"},
	{name: noSizes, gates: map[featuregate.Feature]bool{features.SizeBasedListCostEstimate: false}},
	{name: concurrentDecode, gates: map[featuregate.Feature]bool{features.ConcurrentWatchObjectDecode: true}},
	{name: unsafeDeletion, gates: map[featuregate.Feature]bool{features.AllowUnsafeMalformedObjectDeletion: true}},
}

// listing are the variants that decide where a cache takes lists from.
var listing = []string{defaults, noSnapshots, noConsistentList}

// plain is a function of the suite that takes a storage and nothing else.
func plain(run func(context.Context, *testing.T, apistorage.Interface)) func(context.Context, *testing.T, *environment) {
	return func(ctx context.Context, t *testing.T, e *environment) { run(ctx, t, e) }
}

var conformanceCases = []conformanceCase{
	{function: "RunTestCreate", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestCreate(ctx, t, e, e.checkStored)
	}},
	{function: "RunTestCreateWithKeyExist", run: plain(suite.RunTestCreateWithKeyExist)},
	{function: "RunTestGet", alone: true, run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestGet(ctx, t, withoutTTL{e}) // its update has a time to live that the test does not wait for
	}},
	{function: "RunTestUnconditionalDelete", run: plain(suite.RunTestUnconditionalDelete)},
	{function: "RunTestConditionalDelete", run: plain(suite.RunTestConditionalDelete)},
	{function: "RunTestDeleteWithSuggestion", run: plain(suite.RunTestDeleteWithSuggestion)},
	{function: "RunTestDeleteWithSuggestionAndConflict", run: plain(suite.RunTestDeleteWithSuggestionAndConflict)},
	{function: "RunTestDeleteWithConflict", run: plain(suite.RunTestDeleteWithConflict)},
	{function: "RunTestDeleteWithSuggestionOfDeletedObject", run: plain(suite.RunTestDeleteWithSuggestionOfDeletedObject)},
	{function: "RunTestValidateDeletionWithSuggestion", run: plain(suite.RunTestValidateDeletionWithSuggestion)},
	{function: "RunTestValidateDeletionWithOnlySuggestionValid", run: plain(suite.RunTestValidateDeletionWithOnlySuggestionValid)},
	{function: "RunTestPreconditionalDeleteWithSuggestion", run: plain(suite.RunTestPreconditionalDeleteWithSuggestion)},
	{function: "RunTestPreconditionalDeleteWithOnlySuggestionPass", run: plain(suite.RunTestPreconditionalDeleteWithOnlySuggestionPass)},
	{function: "RunTestList", variants: listing, run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestList(ctx, t, e, e.compact, e.cached(), e.lists)
	}},
	{function: "RunTestConsistentList", variants: listing, run: func(ctx context.Context, t *testing.T, e *environment) {
		consistent := utilfeature.DefaultFeatureGate.Enabled(features.ConsistentListFromCache)
		snapshots := utilfeature.DefaultFeatureGate.Enabled(features.ListFromCacheSnapshot)
		suite.RunTestConsistentList(ctx, t, e, e.increaseRevision, e.cached(), !e.cached() || consistent, e.cached() && snapshots)
	}},
	{function: "RunTestGetListNonRecursive", variants: listing, run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestGetListNonRecursive(ctx, t, e.increaseRevision, e)
	}},
	{function: "RunTestGetListRecursivePrefix", run: plain(suite.RunTestGetListRecursivePrefix)},
	{function: "RunTestListContinuation", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestListContinuation(ctx, t, e, e.checkCalls)
	}},
	{function: "RunTestListPaginationRareObject", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestListPaginationRareObject(ctx, t, e, e.checkCalls)
	}},
	{function: "RunTestListContinuationWithFilter", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestListContinuationWithFilter(ctx, t, e, e.checkCalls)
	}},
	{function: "RunTestListInconsistentContinuation", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestListInconsistentContinuation(ctx, t, e, e.compact)
	}},
	{function: "RunTestListResourceVersionMatch", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestListResourceVersionMatch(ctx, t, e)
	}},
	{function: "RunTestGuaranteedUpdate", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestGuaranteedUpdate(ctx, t, e, e.checkStored)
	}},
	{function: "RunTestGuaranteedUpdateChecksStoredData", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestGuaranteedUpdateChecksStoredData(ctx, t, e)
	}},
	{function: "RunTestGuaranteedUpdateWithConflict", run: plain(suite.RunTestGuaranteedUpdateWithConflict)},
	{function: "RunTestGuaranteedUpdateWithSuggestionAndConflict", run: plain(suite.RunTestGuaranteedUpdateWithSuggestionAndConflict)},
	{function: "RunTestTransformationFailure", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestTransformationFailure(ctx, t, e)
	}},
	{function: "RunTestStats", variants: []string{defaults, noSizes}, run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestStats(ctx, t, e, e.codec, e.transformer, e.estimatesSizes)
	}},
	{function: "RunTestListPaging", run: plain(suite.RunTestListPaging)},
	{function: "RunTestNamespaceScopedList", options: []environmentOption{byNodeAndNamespace}, run: plain(suite.RunTestNamespaceScopedList)},
	{function: "RunTestCompactRevision", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestCompactRevision(ctx, t, e, e.increaseRevision, e.compact)
	}},
	{function: "RunTestKeySchema", run: plain(suite.RunTestKeySchema)},
	{function: "RunTestWatch", run: plain(suite.RunTestWatch)},
	{function: "RunTestWatchFromZero", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestWatchFromZero(ctx, t, e, e.compactWatches)
	}},
	{function: "RunTestDeleteTriggerWatch", run: plain(suite.RunTestDeleteTriggerWatch)},
	{function: "RunTestWatchFromNonZero", run: plain(suite.RunTestWatchFromNonZero)},
	{function: "RunTestDelayedWatchDelivery", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestDelayedWatchDelivery(ctx, t, e.paced(ctx, t))
	}},
	{function: "RunTestWatchError", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestWatchError(ctx, t, e)
	}},
	{function: "RunTestWatchWithUnsafeDelete",
		variants: []string{unsafeDeletion},
		run: func(ctx context.Context, t *testing.T, e *environment) {
			suite.RunTestWatchWithUnsafeDelete(ctx, t, e)
		}},
	{function: "RunTestWatchContextCancel", run: plain(suite.RunTestWatchContextCancel)},
	{function: "RunTestWatcherTimeout", run: plain(suite.RunTestWatcherTimeout)},
	{function: "RunTestWatchDeleteEventObjectHaveLatestRV", run: plain(suite.RunTestWatchDeleteEventObjectHaveLatestRV)},
	{function: "RunTestWatchInitializationSignal", run: plain(suite.RunTestWatchInitializationSignal)},
	{function: "RunOptionalTestProgressNotify", run: func(ctx context.Context, t *testing.T, e *environment) {
		e.requestProgressPeriodically(ctx, t)
		suite.RunOptionalTestProgressNotify(ctx, t, e, e.increaseRevision)
	}},
	{function: "RunTestClusterScopedWatch", options: []environmentOption{clusterScoped, byNodeAndNamespace}, run: plain(suite.RunTestClusterScopedWatch)},
	{function: "RunTestNamespaceScopedWatch", options: []environmentOption{byNodeAndNamespace}, run: plain(suite.RunTestNamespaceScopedWatch)},
	{function: "RunTestWatchDispatchBookmarkEvents", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunTestWatchDispatchBookmarkEvents(ctx, t, e, e.cached())
	}},
	{function: "RunTestOptionalWatchBookmarksWithCorrectResourceVersion", run: plain(suite.RunTestOptionalWatchBookmarksWithCorrectResourceVersion)},
	{function: "RunSendInitialEventsBackwardCompatibility", run: plain(suite.RunSendInitialEventsBackwardCompatibility)},
	{function: "RunWatchSemantics", alone: true, variants: []string{defaults, concurrentDecode}, run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunWatchSemantics(ctx, t, e.paced(ctx, t))
	}},
	{function: "RunWatchSemanticInitialEventsExtended", alone: true, run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunWatchSemanticInitialEventsExtended(ctx, t, e.paced(ctx, t))
	}},
	{function: "RunWatchListMatchSingle", alone: true, run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunWatchListMatchSingle(ctx, t, e.paced(ctx, t))
	}},
	{function: "RunWatchErrorIsBlockingFurtherEvents", run: func(ctx context.Context, t *testing.T, e *environment) {
		suite.RunWatchErrorIsBlockingFurtherEvents(ctx, t, e)
	}},
}

// conformanceBenchmark runs one benchmark of the suite.
type conformanceBenchmark struct {
	function string
	run      func(context.Context, *testing.B, *environment)
}

var conformanceBenchmarks = []conformanceBenchmark{
	{"RunBenchmarkStoreListCreate", func(ctx context.Context, b *testing.B, e *environment) {
		suite.RunBenchmarkStoreListCreate(ctx, b, e, metav1.ResourceVersionMatchNotOlderThan)
	}},
	{"RunBenchmarkStoreList", func(ctx context.Context, b *testing.B, e *environment) {
		data := suite.PrepareBenchchmarkData(10, 20, 10)
		e.fill(ctx, b, data.Pods)
		suite.RunBenchmarkStoreList(ctx, b, e, data, e.cached())
	}},
	{"RunBenchmarkStoreStats", func(ctx context.Context, b *testing.B, e *environment) {
		e.fill(ctx, b, suite.PrepareBenchchmarkData(10, 20, 10).Pods)
		suite.RunBenchmarkStoreStats(ctx, b, e)
	}},
}
