using System.Collections.Concurrent;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.GroupCommit;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresFailureTests(PostgresFixture fixture) : FailureTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteFailureTests(SqliteFixture fixture) : FailureTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Answers that get lost between the commit and the caller, on a real database.</summary>
public abstract class FailureTests(StoreFixture fixture)
{
    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);

    /// <summary>A node that loses the answer to the next batch of each of its write lanes, once it is committed.</summary>
    private static void LoseNextAnswer(Node node)
    {
        foreach (var lane in node.Lanes.Writers)
        {
            lane.AfterExecution = _ =>
            {
                lane.AfterExecution = null;
                throw new TimeoutException("The answer was lost.");
            };
        }
    }

    [Fact]
    public async Task An_append_whose_answer_was_lost_is_recognised_as_its_own()
    {
        await using var node = await fixture.OpenNode();
        var command = Make.Command(Make.Id());
        LoseNextAnswer(node);

        var appended = await node.Devices.Append(command).WaitAsync(Guard);

        Assert.False(appended.AlreadyThere);
        Assert.Equal(appended.Sequence, Assert.Single((await node.Devices.Load(command.EnrolmentId)).Queue).Sequence);
    }

    [Fact]
    public async Task A_finish_whose_answer_was_lost_is_recognised_as_its_own()
    {
        await using var node = await fixture.OpenNode();
        var id = Make.Id();
        var appended = await node.Devices.Append(Make.Command(id));
        LoseNextAnswer(node);

        Assert.True(await node.Devices.Finish(Make.Finish(id, appended.Sequence)).WaitAsync(Guard));
        LoseNextAnswer(node);
        Assert.False(await node.Devices.Finish(Make.Finish(id, appended.Sequence) with { FinishedAt = Make.Now.AddDays(1) }).WaitAsync(Guard));

        Assert.Single(await node.Queries.ListHistory(id, null, 10));
    }

    [Fact]
    public async Task A_change_whose_answer_was_lost_is_committed_once()
    {
        await using var node = await fixture.OpenNode();
        var device = Make.Device(Make.Id());
        var pin = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now);
        LoseNextAnswer(node);
        var first = await node.Devices.Commit(Make.Change(device) with { Pin = pin }).WaitAsync(Guard);
        var user = await Make.Enrolled(node, r => r with { DeviceId = device.Id, Kind = EnrolmentKind.SharedUser }, device.Id + ":ada");
        await node.Devices.Append(Make.Command(device.Id));

        // Between the commit and its repetition somebody appends: that command is not ended.
        await using var other = await fixture.OpenNode();
        foreach (var lane in node.Lanes.Writers)
        {
            lane.AfterExecution = async _ =>
            {
                lane.AfterExecution = null;
                await other.Devices.Append(Make.Command(device.Id, "LATER"));
                throw new TimeoutException("The answer was lost.");
            };
        }

        var second = await node.Devices.Commit(
            Make.Change(device with { Version = 2 }) with { EndQueue = CommandEnding.Reenrolled, EndUserChannels = true }).WaitAsync(Guard);

        Assert.Equal(CommitOutcome.Committed, first.Outcome);
        Assert.Equal(CommitOutcome.Committed, second.Outcome);
        Assert.Equal([user.Id], second.EndedUserChannels);
        var snapshot = await node.Devices.Load(device.Id);
        Assert.Equal(2, snapshot.Row!.Version);
        Assert.Equal("LATER", Assert.Single(snapshot.Queue).CommandUuid);
        Assert.Single(snapshot.Pins);
    }

    [Fact]
    public async Task A_change_that_another_node_has_overwritten_meanwhile_keeps_its_pin()
    {
        await using var node = await fixture.OpenNode();
        var device = Make.Device(Make.Id());
        var pin = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now);
        foreach (var lane in node.Lanes.Writers)
        {
            lane.AfterExecution = async _ =>
            {
                lane.AfterExecution = null;
                await fixture.Node.Devices.Commit(Make.Change(device with { Version = 2 }));
                throw new TimeoutException("The answer was lost.");
            };
        }

        var committed = await node.Devices.Commit(Make.Change(device) with { Pin = pin }).WaitAsync(Guard);

        Assert.Equal(CommitOutcome.VersionConflict, committed.Outcome);
        Assert.Single((await node.Devices.Load(device.Id)).Pins);
    }

    [Fact]
    public async Task A_certificate_whose_answer_was_lost_counts_one_use()
    {
        await using var node = await fixture.OpenNode();
        var invitation = new Invitation
        {
            Id = Make.Id(),
            MaxUses = 1,
            CreatedAt = Make.Now,
            ExpiresAt = Make.Now.AddDays(1),
            CreatedBy = "ada",
        };
        await node.Enrolments.CreateInvitation(invitation);
        LoseNextAnswer(node);

        var issued = await node.Enrolments.Issue(new IssueRequest
        {
            ChallengeHash = Make.Hash(),
            PublicKeyHash = Make.Hash(),
            At = Make.Now,
            Certificate = new IssuedCertificate
            {
                Sha256 = Make.Hash(),
                Der = [1],
                InvitationId = invitation.Id,
                IssuedAt = Make.Now,
                NotAfter = Make.Now.AddYears(1),
            },
        }).WaitAsync(Guard);

        Assert.Equal(IssueOutcome.Issued, issued.Outcome);
        Assert.Equal(1, (await node.Enrolments.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task Every_kind_of_write_survives_a_lost_answer_in_one_batch_with_others()
    {
        await using var node = await fixture.OpenNode();
        var ids = Enumerable.Range(0, 30).Select(_ => Make.Id()).ToList();
        var queued = await Task.WhenAll(ids.Select(id => node.Devices.Append(Make.Command(id))));
        LoseNextAnswer(node);
        var commits = ids.Select(id => node.Devices.Commit(Make.Change(Make.Device(id)))).ToList();
        var appends = ids.Select(id => node.Devices.Append(Make.Command(id))).ToList();
        var notNows = ids.Select((id, i) => node.Devices.Mark(Make.NotNow(id, queued[i].Sequence, Make.Now, 1))).ToList();
        var finishes = ids.Select((id, i) => node.Devices.Finish(Make.Finish(id, queued[i].Sequence))).ToList();

        Assert.All(await Task.WhenAll(commits).WaitAsync(Guard), c => Assert.Equal(CommitOutcome.Committed, c.Outcome));
        Assert.All(await Task.WhenAll(appends).WaitAsync(Guard), a => Assert.False(a.AlreadyThere));
        await Task.WhenAll(notNows).WaitAsync(Guard);
        Assert.All(await Task.WhenAll(finishes).WaitAsync(Guard), Assert.True);
        foreach (var id in ids)
        {
            Assert.Single((await node.Devices.Load(id)).Queue);
            Assert.Equal(1, Assert.Single(await node.Queries.ListHistory(id, null, 10)).NotNowCount);
        }
    }

    [Fact]
    public async Task When_no_answer_comes_at_all_the_caller_is_told_and_may_repeat()
    {
        await using var node = await fixture.OpenNode();
        var command = Make.Command(Make.Id());
        var lanes = node.Lanes.Writers;
        foreach (var lane in lanes)
            lane.AfterExecution = _ => throw new TimeoutException("No answer comes.");

        await Assert.ThrowsAsync<StoreUnavailableException>(() => node.Devices.Append(command).WaitAsync(Guard));
        foreach (var lane in lanes)
            lane.AfterExecution = null;
        var repeated = await node.Devices.Append(command).WaitAsync(Guard);

        // It was written all the same: the repetition says so, and nothing is there twice.
        Assert.True(repeated.AlreadyThere);
        Assert.Single((await node.Devices.Load(command.EnrolmentId)).Queue);
    }

    [Fact]
    public async Task Many_appends_share_few_transactions()
    {
        await using var node = await fixture.OpenNode();
        var batches = new ConcurrentQueue<int>();
        foreach (var lane in node.Lanes.Writers)
        {
            lane.AfterExecution = batch =>
            {
                batches.Enqueue(batch.Items.Count);
                return Task.CompletedTask;
            };
        }

        await Task.WhenAll(Enumerable.Range(0, 2_000).Select(_ => node.Devices.Append(Make.Command(Make.Id()))));

        Assert.Equal(2_000, batches.Sum());
        Assert.InRange(batches.Count, 4, 200);
    }

    [Fact]
    public async Task Many_loads_share_few_statements()
    {
        await using var node = await fixture.OpenNode();
        var batches = 0;
        foreach (var lane in node.Lanes.Readers)
        {
            lane.AfterExecution = _ =>
            {
                Interlocked.Increment(ref batches);
                return Task.CompletedTask;
            };
        }

        await Task.WhenAll(Enumerable.Range(0, 2_000).Select(_ => node.Devices.Load(Make.Id())));

        Assert.InRange(batches, 1, 200);
    }

    [Fact]
    public async Task A_body_is_asked_for_once_and_then_comes_from_memory()
    {
        await using var node = await fixture.OpenNode();
        var small = await node.Devices.StoreBody("small"u8.ToArray());
        var large = await node.Devices.StoreBody(new byte[BodyCache.LargestBody + 1]);
        var asked = 0;
        foreach (var lane in node.Lanes.Readers)
        {
            lane.AfterExecution = _ =>
            {
                Interlocked.Increment(ref asked);
                return Task.CompletedTask;
            };
        }

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("small"u8.ToArray(), await node.Devices.LoadBody(small));
            Assert.Equal(BodyCache.LargestBody + 1, (await node.Devices.LoadBody(large))!.Length);
        }

        Assert.Equal(1 + 3, asked);
    }

    [Fact]
    public async Task A_stopped_node_has_done_what_it_accepted_and_refuses_the_rest()
    {
        var ids = Enumerable.Range(0, 500).Select(_ => Make.Id()).ToList();
        var node = await fixture.OpenNode();
        var accepted = ids.Select(id => node.Devices.Append(Make.Command(id))).ToList();
        var devices = node.Devices;

        await node.DisposeAsync();

        Assert.All(await Task.WhenAll(accepted).WaitAsync(Guard), a => Assert.False(a.AlreadyThere));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => devices.Append(Make.Command(Make.Id())).WaitAsync(Guard));
        Assert.Single((await fixture.Node.Devices.Load(ids[^1])).Queue);
    }
}
