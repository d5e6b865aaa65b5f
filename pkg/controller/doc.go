// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controller runs Sessions: it starts a run for each Session, publishes what the run reports as the
// Session's status, applies changes of the spec to the run, and ends the run when the Session has a verdict or is
// deleted.
//
// # Life of a Session
//
// The Controller owns the Sessions that Config.Runs selects. Its storage may outlast the process; no other process
// runs Sessions of the same storage, unless there are Claims.
//
//   - Start. A run starts once the finalizer and a status with a start time are stored. Nothing of the run happens
//     before, so no Session starts twice. With MaxRunning the oldest Sessions run; the status of the others says
//     that they wait.
//   - Verdict. The verdict is stored, delivered to watches (Config.Delivered) and reported (Config.Finished). Then
//     the Controller ends the run. The status stays as it was when the verdict was reached, whatever happens during
//     the teardown and whatever becomes of the spec.
//   - Deletion. DELETE ends the run. The finalizer holds the Session until nothing of the run is left. A Session
//     that is created again under the same name is another Session, and runs after the end of the first.
//   - Expiry. A finished Session with spec.ttlSecondsAfterFinished is deleted when that time has passed.
//   - Refusal. A spec that cannot run, such as one with a relative path, counts as a Tiltfile that fails: a ci
//     Session fails, a manual one shows the error until its spec changes. A run that exists goes on as it was.
//   - End of the process. Run ends all runs. A ci Session without a verdict is Interrupted, which is stored
//     unless the storage ends with the process (Config.Transient); a manual one keeps its finalizer and is started
//     again by the next process. A process that is killed leaves both to its successor.
//   - A run that ends by itself, which none should, fails its Session alone.
//
// The Controller releases the finalizer of every deleted Session that it does not run, including those that
// Config.Runs does not select.
//
// # Claims
//
// With Config.Claims other processes run Sessions of the same storage. The Controller claims a Session before anything
// else, by writing status.runner with the resourceVersion that it has read; of several that try, one succeeds. It tries
// at random one of the oldest without a claim.
//
//   - Writes. It writes about a Session while that has its claim, and leaves all others alone: the API server's
//     housekeeper releases, fails and expires them. The API refuses a status under another claim than the stored one.
//   - A claim that is gone ends the run. Nothing more is written.
//   - Claims that are lost as a whole (Claims.Lost) stop all writes until the caller ends Run, which tries to store
//     that a ci Session was interrupted and that a manual one may be claimed.
//   - Drain, or the end of Run, hands a manual Session over: its claim is removed when nothing of its run is left.
//
// # What is published
//
// A status is computed whole from one snapshot of the run, compared with the stored one, and written at once if it
// differs. As long as writing keeps up, each phase of each target is visible to a watch, however short it is.
// Snapshots that add no phase are merged. The first change after a quiet time is not delayed.
//
// Of a Session with more than a hundred resources only the newest state is written, one such Session at a time,
// with rests between the writes: a write costs in proportion to the number of targets, at the expense of the jobs.
// A verdict is not delayed.
//
// The status has one writer. Foreign changes of the status of a running Session are overwritten, except conditions
// of other types. A status that is too large for the storage is made smaller (session.Fit). A status that the
// storage refuses for another reason is not written again.
//
// # Verdict and storage
//
// The verdict does not depend on the storage. While writes fail or hang, the Controller looks at the newest
// snapshot. A verdict that cannot be stored within five seconds is reported and ends the run; it is stored later if
// that becomes possible. Success and timeouts are decided on the newest state, which includes every process that
// has ended by then, even if the Controller looks late.
//
// # Spec
//
// The Controller does not write the spec. Changes of tiltfilePath, args, keepGoing, ci and exitCondition act at
// once. After a change of tiltfilePath, snapshots of the previous Tiltfile are not published, so no verdict refers
// to it.
//
// # Requests
//
// The API server finds a run in the table Running. Dry runs are answered from the newest snapshot, everything else
// by the run.
//
// # Non-goals
//
// The Controller does not create Sessions, and does not run a Session again that is done.
package controller
