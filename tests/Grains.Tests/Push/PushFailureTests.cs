using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Push;
using FleetMdm.Storage.Operations;
using FleetMdm.VirtualFleet.Apns;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Grains.Tests.Push;

/// <summary>What becomes of pushes when something of our own is in trouble: grains that cannot be reached, the database, full queues.</summary>
public sealed class PushFailureTests
{
    [Fact]
    public async Task A_push_grain_that_cannot_be_reached_is_tried_once_more()
    {
        await using var node = await PushNode.Start();
        var failures = 1;
        node.Unreachable = (type, _) => type == nameof(IPushGrain) && Interlocked.Decrement(ref failures) >= 0;

        node.Push([node.Target()]);

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
    }

    [Fact]
    public async Task A_push_grain_that_stays_away_costs_the_push_and_its_place_is_free()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var node = await PushNode.Start(time: time);
        node.Unreachable = (type, _) => type == nameof(IPushGrain);

        node.Push([node.Target(), node.Target()]);

        await node.Eventually(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(200));
            return node.Counted(PushResult.GrainFailed) == 2;
        });
        Assert.Equal(0, node.Outbox.Count);
        node.Unreachable = (_, _) => false;
        node.Push([node.Target()]);
        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
    }

    [Fact]
    public async Task Pushes_that_were_given_up_while_APNs_was_busy_are_repeated_when_it_is_back()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        // Not by the sweep over silent iPads, however long this takes.
        await using var node = await PushNode.Start(time: time, settings: new Dictionary<string, string?> { ["Push:SweepSilentMinutes"] = "1440" });
        var ipad = await node.Enrol();
        var idle = await node.Enrol();
        node.Apns.Faults.Always(ApnsFault.Busy);
        await ipad.Enqueue();
        await node.Eventually(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return node.Counted("ServiceUnavailable") > 0 && node.Sender.Count == 0;
        });
        node.Apns.Faults.Clear();

        await node.Eventually(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return await ipad.PushResult() == PushResult.Accepted;
        });
        Assert.Null(await idle.PushResult());
    }

    [Fact]
    public async Task A_push_that_APNs_never_answers_is_on_record_and_is_sent_again_when_it_answers()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        // Not by the sweep over silent iPads, however long this takes.
        await using var node = await PushNode.Start(time: time, settings: new Dictionary<string, string?> { ["Push:SweepSilentMinutes"] = "1440" });
        var ipad = await node.Enrol();
        node.Apns.Faults.Always(ApnsFault.RefusedStream);
        await ipad.Enqueue();
        await node.Eventually(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return await ipad.PushResult() == PushResult.NoAnswer && (await node.CertificateGrain.Describe())!.UnansweredAt is not null;
        });
        Assert.Contains("had no answer from Apple", (await ipad.Grain.Describe())!.Waiting);
        node.Apns.Faults.Clear();

        await node.Eventually(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return await ipad.PushResult() == PushResult.Accepted && (await node.CertificateGrain.Describe())!.UnansweredAt is null;
        });
    }

    [Fact]
    public async Task What_is_said_of_APNs_is_forgotten_when_nobody_says_it_again()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var node = await PushNode.Start(time: time);
        await node.CertificateGrain.ReportAnswers(time.GetUtcNow());
        Assert.NotNull((await node.CertificateGrain.Describe())!.UnansweredAt);

        time.Advance(TimeSpan.FromMinutes(31));

        Assert.Null((await node.CertificateGrain.Describe())!.UnansweredAt);
    }

    [Fact]
    public async Task A_device_grain_that_is_away_for_a_moment_hears_of_its_dead_token_all_the_same()
    {
        await using var node = await PushNode.Start();
        var ipad = await node.Enrol();
        var failures = 2;
        node.Unreachable = (_, method) => method == nameof(IDeviceGrain.PushTokenDied) && Interlocked.Decrement(ref failures) >= 0;
        node.Apns.Faults.ForToken(ipad.Token, new ApnsFault.Answer(400, "BadDeviceToken"));

        await ipad.Enqueue();

        await node.Eventually(async () => await ipad.PushTokenDead() == "BadDeviceToken");
    }

    [Fact]
    public async Task Answers_that_cannot_be_recorded_are_counted_as_lost_and_the_next_ones_are_recorded()
    {
        await using var node = await PushNode.Start();
        var ipad = await node.Enrol();
        await Execute(node, "ALTER TABLE device_activity RENAME TO away");
        node.Push([ipad.Target]);
        await node.Eventually(() => node.Counted("result-lost") == 1);
        Assert.Equal(1, node.Counted(PushResult.Accepted));
        await Execute(node, "ALTER TABLE away RENAME TO device_activity");

        node.Push([ipad.Target]);

        await node.Eventually(async () => await ipad.PushResult() == PushResult.Accepted);
    }

    [Fact]
    public async Task A_certificate_that_cannot_be_stored_is_not_used_and_can_be_uploaded_again()
    {
        await using var node = await PushNode.Start();
        using var renewed = node.Apns.Authority.MintPushCertificate(node.Certificate.Topic);
        await Execute(node, "ALTER TABLE OrleansStorage RENAME TO away");

        await Assert.ThrowsAsync<FleetUnavailableException>(() => node.Install(renewed.ToPem()));

        await Execute(node, "ALTER TABLE away RENAME TO OrleansStorage");
        Assert.Equal(1, (await node.CertificateGrain.Describe())!.Version);
        await node.InstallAndUse(renewed);
        Assert.Equal(2, (await node.CertificateGrain.Describe())!.Version);
    }

    [Fact]
    public async Task A_certificate_grain_that_cannot_be_reached_leaves_the_present_certificate_in_use()
    {
        await using var node = await PushNode.Start();
        node.Unreachable = (type, _) => type == nameof(IPushCertificateGrain);

        await node.Service<PushCertificateSource>().Ask();
        node.Push([node.Target()]);

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
    }

    [Fact]
    public async Task A_certificate_that_was_installed_elsewhere_counts_for_the_first_push()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var node = await PushNode.Start(install: false, time: time);
        // This node does not hear of it, and its loop does not ask while time stands still.
        var asked = 0;
        node.Unreachable = (_, method) => method == nameof(IPushCertificateGrain.GetSealed) && Interlocked.Increment(ref asked) > 0;
        Assert.Equal(PushCertificateOutcome.Installed, (await node.Install(node.Certificate.ToPem())).Outcome);
        await node.Eventually(() => Volatile.Read(ref asked) > 0);
        node.Unreachable = (_, _) => false;
        Assert.Null(node.Service<PushCertificateSource>().Topic);

        node.Push([node.Target()]);

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
    }

    [Fact]
    public async Task An_operation_larger_than_every_queue_is_sent_whole()
    {
        await using var node = await PushNode.Start(
            new ApnsSimulatorOptions { AcceptUnknownTokens = true }, new Dictionary<string, string?> { ["Push:RatePerSecond"] = "1000000" });
        const int size = 12_000;
        using (node.Apns.HoldAnswers())
        {
            await node.Outbox.AddAsync([.. Enumerable.Range(0, size).Select(i => node.Target(token: BitConverter.GetBytes(i)))], CancellationToken.None);
            // Half of the sender's places are for operations: the rest stays in the outbox.
            await node.Eventually(() => node.Sender.Count == 10_000);
            node.Push([node.Target()]);
            await node.Eventually(() => node.Sender.Count == 10_001);
        }

        await node.Eventually(() => node.Counted(PushResult.Accepted) == size + 1);
        Assert.Equal(size + 1, node.Apns.Statistics.Accepted);
    }

    [Fact]
    public async Task A_full_outbox_says_so()
    {
        // What cannot be handed over keeps its place until it is tried again, and time stands still.
        await using var node = await PushNode.Start(install: false, time: new FakeTimeProvider());
        node.Unreachable = (type, _) => type == nameof(IPushGrain);
        var refused = 0;

        for (var i = 0; i < 50_100; i++)
        {
            if (!node.Outbox.TryAdd(node.Target(id: i.ToString(), token: [1])))
                refused++;
        }

        Assert.Equal(100, refused);
        Assert.Equal(refused, node.Counted(PushResult.Full));
    }

    [Fact]
    public async Task An_operation_that_cannot_be_resumed_does_not_hold_up_the_others()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var node = await PushNode.Start(time: time);
        var ipad = await node.Enrol();
        var failures = 1;
        node.Unreachable = (_, method) => method == nameof(IOperationGrain.Resume) && Interlocked.Decrement(ref failures) >= 0;
        for (var i = 0; i < 2; i++)
        {
            await node.Service<IOperationStore>().Append(new OperationAppend
            {
                Id = Guid.NewGuid().ToString(),
                CommandUuid = Guid.NewGuid().ToString().ToUpperInvariant(),
                RequestType = "DeviceInformation",
                Body = "<dict/>"u8.ToArray(),
                AcceptedAt = time.GetUtcNow(),
                RequestedBy = "a test",
                Ids = [ipad.Id],
            });
        }

        time.Advance(TimeSpan.FromSeconds(90));
        await node.Grains.GetGrain<ISweepGrain>(0).Tick();

        await node.Eventually(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return (await node.Service<IOperationStore>().ListUnfinished(time.GetUtcNow())).Count <= 1;
        });
    }

    [Fact]
    public async Task Pushes_pass_through_a_proxy_that_asks_for_a_password()
    {
        await using var proxy = new ConnectProxy("school:p@ss");
        await using var node = await PushNode.Start(settings: new Dictionary<string, string?>
        {
            ["Push:Proxy"] = $"http://school:p%40ss@localhost:{proxy.Port}",
            ["Push:Connections"] = "1",
        });

        node.Push([node.Target()]);

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
        Assert.Equal(1, proxy.Tunnels);
    }

    private static async Task Execute(PushNode node, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={node.DatabaseFile};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }
}
