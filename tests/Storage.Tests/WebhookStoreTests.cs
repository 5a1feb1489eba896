using CsCheck;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresWebhookStoreTests(PostgresFixture fixture) : WebhookStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteWebhookStoreTests(SqliteFixture fixture) : WebhookStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Each test has a database to itself: what happens is for all webhooks.</summary>
public abstract class WebhookStoreTests(StoreFixture shared)
{
    private static AuditRecord Record(string verb = AuditVerbs.WebhookChange, int n = 0) => AuditRecord.New(Make.Now.AddSeconds(n), AuditActor.Server, verb);

    private static WebhookEvent Happened(string device, int n = 0, string kind = WebhookKinds.CommandFinished) => new()
    {
        Id = Guid.NewGuid(),
        At = Make.Now.AddSeconds(n),
        Kind = kind,
        DeviceId = device,
        Subject = "C" + n,
        Data = $$"""{"n":{{n}}}""",
    };

    private static async Task<Webhook> Made(StoreFixture fixture, params string[] events)
    {
        var webhook = new Webhook { Id = Guid.NewGuid().ToString("D"), Version = 1, Name = "Hook", Url = "https://a.example/", Events = events, Secret = [1, 2], CreatedBy = "Ada", CreatedAt = Make.Now, UpdatedAt = Make.Now };
        Assert.Equal(WebhookOutcome.Written, await fixture.Node.Webhooks.Create(webhook, Record(AuditVerbs.WebhookCreate)));
        return webhook;
    }

    /// <summary>An enrolled iPad, and commands of it that have ended, each with its event.</summary>
    private static async Task<string> Finish(StoreFixture fixture, int commands, string? device = null)
    {
        var id = device ?? (await Make.Enrolled(fixture.Node)).Id;
        for (var n = 0; n < commands; n++)
        {
            var uuid = Guid.NewGuid().ToString("D").ToUpperInvariant();
            var added = await fixture.Node.Devices.Append(new QueueAppend { EnrolmentId = id, CommandUuid = uuid, RequestType = "DeviceLock", Body = "<dict/>"u8.ToArray(), AcceptedAt = Make.Now });
            var finish = new QueueFinish { EnrolmentId = id, Sequence = added.Sequence, BodyHash = added.BodyHash, Ending = CommandEnding.Acknowledged, FinishedAt = Make.Now, Event = Happened(id, n) };
            Assert.True(await fixture.Node.Devices.Finish(finish));
            // The iPad says it once more: nothing has ended, and nothing is told.
            Assert.False(await fixture.Node.Devices.Finish(finish with { Event = Happened(id, 99) }));
        }

        return id;
    }

    private static async Task<List<WebhookDelivery>> Due(StoreFixture fixture, Webhook webhook) => [.. await fixture.Node.Webhooks.Due(webhook.Id, Make.Now.AddDays(1), 1000)];

    private static WebhookTry Try(WebhookDelivery delivery, WebhookDeliveryState state) =>
        new(delivery.Sequence, delivery.Lane, state, Make.Now, state == WebhookDeliveryState.Waiting ? Make.Now.AddMinutes(5) : null, 500, state == WebhookDeliveryState.Delivered ? null : "failed");

    [Fact]
    public async Task What_happens_to_a_command_and_to_an_enrolment_is_told_once_and_only_to_those_who_want_it()
    {
        await using var fixture = await shared.CreateAnother();
        var (commands, devices, all) = (await Made(fixture, WebhookKinds.CommandFinished), await Made(fixture, "device."), await Made(fixture, WebhookKinds.CommandFinished, "device."));
        var row = await Make.Enrolled(fixture.Node);
        await Finish(fixture, 1, row.Id);
        var change = Make.Change(row with { Version = 2, Status = EnrolmentStatus.Removed }) with { Event = Happened(row.Id, 7, WebhookKinds.DeviceRemoved) };
        Assert.Equal(CommitOutcome.Committed, (await fixture.Node.Devices.Commit(change)).Outcome);
        Assert.Equal(CommitOutcome.VersionConflict, (await fixture.Node.Devices.Commit(change with { WriteId = Guid.NewGuid(), Event = Happened(row.Id, 8, WebhookKinds.DeviceRemoved) })).Outcome);

        var (taken, touched) = await fixture.Node.Webhooks.FanOut(100, Make.Now);

        Assert.Equal((2, 3), (taken, touched.Count));
        Assert.Equal((0, 0), await fixture.Node.Webhooks.FanOut(100, Make.Now) is var again ? (again.Taken, again.Webhooks.Count) : default);
        async Task<string> Told(Webhook webhook) => string.Join(' ', (await fixture.Node.Webhooks.ListDeliveries(webhook.Id, null, null, 10)).Select(one => one.Kind));
        Assert.Equal("command.finished", await Told(commands));
        Assert.Equal("device.removed", await Told(devices));
        Assert.Equal("device.removed command.finished", await Told(all));
    }

    [Fact]
    public async Task An_iPads_later_event_waits_for_the_one_before_it_while_other_iPads_go_on()
    {
        await using var fixture = await shared.CreateAnother();
        var webhook = await Made(fixture, WebhookKinds.CommandFinished);
        var (one, other) = (await Finish(fixture, 2), await Finish(fixture, 1));
        await fixture.Node.Webhooks.FanOut(1, Make.Now);
        await fixture.Node.Webhooks.FanOut(100, Make.Now);

        var first = await Due(fixture, webhook);
        Assert.Equal([(one, "C0"), (other, "C0")], first.Select(delivery => (delivery.DeviceId!, delivery.Subject!)));

        await fixture.Node.Webhooks.Settle(webhook.Id, Try(first[0], WebhookDeliveryState.Waiting));
        await fixture.Node.Webhooks.Settle(webhook.Id, Try(first[1], WebhookDeliveryState.Delivered));
        Assert.Empty(await fixture.Node.Webhooks.Due(webhook.Id, Make.Now.AddMinutes(1), 10));
        Assert.Equal((1, "failed"), (await Due(fixture, webhook)) is [var again] ? (again.Attempts, again.Error) : default);

        await fixture.Node.Webhooks.Settle(webhook.Id, Try(first[0], WebhookDeliveryState.Dead));
        Assert.Equal([(one, "C1")], (await Due(fixture, webhook)).Select(delivery => (delivery.DeviceId!, delivery.Subject!)));
        var standing = await fixture.Node.Webhooks.Find(webhook.Id);
        Assert.Equal((1, 1, 1), (standing!.Delivered, standing.Dead, standing.Waiting));
    }

    [Fact]
    public async Task Whatever_comes_between_each_iPad_is_told_in_order_and_everything_is_told()
    {
        await using var fixture = await shared.CreateAnother();
        var webhook = await Made(fixture, "device.");
        // 0: an event of the iPad happens; 1: events are taken; 2: a try that fails; 3: one that succeeds; 4: one is given up.
        await Gen.Select(Gen.Int[0, 4], Gen.Int[0, 2]).List[1, 40].SampleAsync(async steps =>
        {
            var run = Guid.NewGuid().ToString("N")[..8];
            var (written, told, seen) = (new Dictionary<string, int>(), new Dictionary<string, int>(), 0);
            async Task Step(WebhookDeliveryState state)
            {
                var due = await Due(fixture, webhook);
                Assert.Equal(due.Count, due.Select(one => one.Lane).Distinct().Count());
                if (due.Count == 0) return;
                var delivery = due[seen++ % due.Count];
                var before = told.GetValueOrDefault(delivery.DeviceId!);
                Assert.Equal("C" + before, delivery.Subject);
                await fixture.Node.Webhooks.Settle(webhook.Id, Try(delivery, state));
                if (state != WebhookDeliveryState.Waiting) told[delivery.DeviceId!] = before + 1;
            }

            foreach (var (step, device) in steps)
            {
                if (step == 0)
                {
                    var id = run + device;
                    var n = written.GetValueOrDefault(id);
                    await fixture.Execute($"INSERT INTO webhook_outbox (id, at, kind, device_id, subject, data) VALUES ('{Guid.NewGuid()}', {Time(fixture)}, 'device.enrolled', '{id}', 'C{n}', '{{}}')");
                    written[id] = n + 1;
                }
                else if (step == 1) await fixture.Node.Webhooks.FanOut(2, Make.Now);
                else await Step(step == 2 ? WebhookDeliveryState.Waiting : step == 3 ? WebhookDeliveryState.Delivered : WebhookDeliveryState.Dead);
            }

            while ((await fixture.Node.Webhooks.FanOut(2, Make.Now)).Taken > 0)
            {
            }

            while ((await Due(fixture, webhook)).Count > 0) await Step(WebhookDeliveryState.Delivered);
            Assert.Equal(written.OrderBy(one => one.Key), told.OrderBy(one => one.Key));
        }, iter: 25, threads: 1);
    }

    private static string Time(StoreFixture fixture) => fixture is PostgresFixture ? "now()" : "0";

    [Fact]
    public async Task Records_come_from_the_chain_from_when_the_webhook_was_created_on_without_a_gap()
    {
        await using var fixture = await shared.CreateAnother();
        await fixture.Node.Audit.Write(Record(AuditVerbs.TokenCreate));
        await fixture.Node.Chain.Seal(null, 100);
        var webhook = await Made(fixture, "audit.token.");
        for (var n = 0; n < 5; n++) await fixture.Node.Audit.Write(Record(n % 2 == 0 ? AuditVerbs.TokenCreate : AuditVerbs.CommandSend, n) with { Detail = "n" + n });
        await fixture.Node.Chain.Seal(null, 100);

        while ((await fixture.Node.Webhooks.FanOutAudit(one => $$"""{"detail":"{{one.Record.Detail}}"}""", 2, Make.Now)).More)
        {
        }

        Assert.Empty((await fixture.Node.Webhooks.FanOutAudit(_ => "{}", 100, Make.Now)).Webhooks);
        var told = (await fixture.Node.Webhooks.ListDeliveries(webhook.Id, null, null, 100)).Reverse().ToList();
        Assert.Equal(["""{"detail":"n0"}""", """{"detail":"n2"}""", """{"detail":"n4"}"""], told.Select(one => one.Data));
        Assert.All(told, one => Assert.Equal("audit.token.create", one.Kind));
    }

    [Fact]
    public async Task What_waits_beyond_the_limit_is_given_up_from_the_oldest_on_and_counted()
    {
        await using var fixture = await shared.CreateAnother();
        var webhook = await Made(fixture, WebhookKinds.CommandFinished);
        await Finish(fixture, 6);
        await fixture.Node.Webhooks.FanOut(100, Make.Now);

        Assert.Equal(4, await fixture.Node.Webhooks.Trim(webhook.Id, 2, 3, Make.Now));

        var standing = await fixture.Node.Webhooks.Find(webhook.Id);
        Assert.Equal((2, 3, 1), (standing!.Waiting, standing.Dead, standing.Dropped));
        Assert.Equal(["C4"], (await Due(fixture, webhook)).Select(one => one.Subject));
        Assert.Equal(["C3", "C2", "C1"], (await fixture.Node.Webhooks.ListDeliveries(webhook.Id, WebhookDeliveryState.Dead, null, 10)).Select(one => one.Subject));

        Assert.Equal(3, await fixture.Node.Webhooks.SendAgain(webhook.Id, null, 100, Make.Now, Record()));
        Assert.Equal(["C1", "C2", "C3", "C4"], (await Due(fixture, webhook)).Select(one => one.Subject).Order());
        Assert.Equal(0, await fixture.Node.Webhooks.Forget(Make.Now.AddDays(1), Make.Now.AddDays(1), 100));
    }

    [Fact]
    public async Task A_webhook_is_changed_only_as_it_was_read_and_goes_with_all_that_waits_for_it()
    {
        await using var fixture = await shared.CreateAnother();
        var webhook = await Made(fixture, WebhookKinds.CommandFinished);
        await Finish(fixture, 1);
        await fixture.Node.Webhooks.FanOut(100, Make.Now);

        Assert.Equal(WebhookOutcome.Written, await fixture.Node.Webhooks.Change(webhook with { Version = 2, Name = "New", OldSecret = [3], OldSecretUntil = Make.Now }, Record()));
        Assert.Equal(WebhookOutcome.VersionConflict, await fixture.Node.Webhooks.Change(webhook with { Version = 2, Name = "Other" }, Record()));
        Assert.Equal(WebhookOutcome.NotFound, await fixture.Node.Webhooks.Change(webhook with { Id = "x", Version = 2 }, Record()));
        var stored = (await fixture.Node.Webhooks.Find(webhook.Id))!.Webhook;
        Assert.Equal(("New", "3", 2), (stored.Name, Convert.ToString(stored.OldSecret![0]), stored.Version));

        Assert.True(await fixture.Node.Webhooks.Delete(webhook.Id, Record(AuditVerbs.WebhookDelete)));
        Assert.False(await fixture.Node.Webhooks.Delete(webhook.Id, Record(AuditVerbs.WebhookDelete)));
        Assert.Empty(await fixture.Node.Webhooks.ListDeliveries(webhook.Id, null, null, 10));
        Assert.Empty(await fixture.Node.Webhooks.Wanted());
        Assert.Single(await fixture.Node.Audit.List(new AuditFilter { Verb = AuditVerbs.WebhookDelete }, null, 10));
    }

    [Theory]
    [InlineData("93.184.216.34", true, true, true)]
    [InlineData("93.184.216.34", false, true, false)]
    [InlineData("10.1.2.3", true, false, false)]
    [InlineData("10.1.2.3", false, true, true)]
    [InlineData("127.0.0.1", true, false, false)]
    [InlineData("::1", true, false, false)]
    [InlineData("::1", false, true, true)]
    [InlineData("fd12::1", true, false, false)]
    [InlineData("169.254.169.254", true, true, false)]
    [InlineData("::ffff:169.254.169.254", true, true, false)]
    [InlineData("64:ff9b::a9fe:a9fe", true, true, false)]
    [InlineData("64:ff9b::a01:203", true, false, false)]
    [InlineData("2002:a9fe:a9fe::1", true, true, false)]
    [InlineData("::169.254.169.254", true, true, false)]
    [InlineData("fe80::1", true, true, false)]
    [InlineData("fd00:ec2::254", true, true, false)]
    [InlineData("0.0.0.0", true, true, false)]
    [InlineData("::", true, true, false)]
    [InlineData("224.0.0.1", true, true, false)]
    [InlineData("2606:2800:220:1::1", true, false, true)]
    public void A_webhook_goes_nowhere_that_only_this_server_reaches(string address, bool https, bool allowPrivate, bool allowed) =>
        Assert.Equal(allowed, WebhookAddress.Refuse(System.Net.IPAddress.Parse(address), https, new WebhookOptions { AllowPrivateAddresses = allowPrivate, AllowHttp = allowPrivate }) is null);
}
