using System.Text;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Push;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Grains.Tests.Push;

/// <summary>The push certificate from upload to use, on one node.</summary>
public sealed class PushCertificateTests
{
    [Fact]
    public async Task Without_a_certificate_pushes_are_dropped_and_with_one_they_go_out_without_a_restart()
    {
        await using var node = await PushNode.Start(install: false);
        Assert.Null(await node.CertificateGrain.Describe());
        Assert.Null(await node.CertificateGrain.GetSealed(0));
        node.Push([node.Target()]);
        await node.Eventually(() => node.Counted(PushResult.NoCertificate) == 1);
        Assert.Equal(0, node.Apns.Statistics.Connections);

        await node.InstallAndUse(node.Certificate);
        node.Push([node.Target()]);

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
    }

    [Fact]
    public async Task Every_kind_of_upload_is_described_without_its_key()
    {
        await using var node = await PushNode.Start(install: false);
        var minted = node.Certificate;
        byte[][] uploads = [Encoding.ASCII.GetBytes(minted.ToPem()), Encoding.ASCII.GetBytes(minted.ToPem("secret")), minted.ToPkcs12("secret")];
        foreach (var upload in uploads)
        {
            var installed = await node.CertificateGrain.Install(new PushCertificateUpload(upload, "secret", false));

            Assert.Equal(PushCertificateOutcome.Installed, installed.Outcome);
            Assert.Null(installed.Problem);
            var described = await node.CertificateGrain.Describe();
            Assert.Equal(installed.Certificate, described);
            Assert.Equal(minted.Topic, described!.Topic);
            Assert.Equal(minted.Certificate.SerialNumber, described.SerialNumber);
            Assert.Equal(minted.Certificate.Subject, described.Subject);
            Assert.Equal(PushCertificateStanding.Good, described.Standing);
            // The same certificate again changes nothing.
            Assert.Equal(1, described.Version);
        }
    }

    [Fact]
    public async Task The_stored_key_is_sealed()
    {
        await using var node = await PushNode.Start();

        var stored = await node.CertificateGrain.GetSealed(0);

        using var key = System.Security.Cryptography.X509Certificates.RSACertificateExtensions.GetRSAPrivateKey(node.Certificate.Certificate)!;
        var secret = key.ExportParameters(true).D!;
        Assert.Equal(-1, stored!.SealedKey.AsSpan().IndexOf(secret));
        Assert.Null(await node.CertificateGrain.GetSealed(stored.Version));
    }

    [Fact]
    public async Task A_renewed_certificate_takes_over_in_the_middle_of_traffic_and_no_push_is_lost()
    {
        await using var node = await PushNode.Start();
        node.Apns.Faults.AnswerDelay = TimeSpan.FromMilliseconds(20);
        using var renewed = node.Apns.Authority.MintPushCertificate(node.Certificate.Topic);

        node.Push(Enumerable.Range(0, 500).Select(_ => node.Target()));
        await node.InstallAndUse(renewed);
        node.Push(Enumerable.Range(0, 500).Select(_ => node.Target()));

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1000);
        // Two connections for each of two certificates; those of the old one are gone.
        await node.Apns.Statistics.When(seen => seen.Connections == 4 && seen.OpenConnections == 2).WaitAsync(PushNode.Patience);
        Assert.Equal(0, node.Counted(PushResult.Retried));
    }

    [Fact]
    public async Task A_certificate_that_APNs_refuses_stops_all_pushes_until_it_is_renewed()
    {
        await using var node = await PushNode.Start();
        node.Apns.Revoke(node.Certificate);

        node.Push([node.Target()]);
        await node.Eventually(async () => (await node.CertificateGrain.Describe())!.Standing == PushCertificateStanding.Refused);
        Assert.Equal("BadCertificate", (await node.CertificateGrain.Describe())!.Refusal);
        var requests = node.Apns.Statistics.Requests;
        node.Push(Enumerable.Range(0, 20).Select(_ => node.Target()));
        await node.Eventually(() => node.Counted(PushResult.CertificateRefused) == 21);
        Assert.Equal(requests, node.Apns.Statistics.Requests);

        using var renewed = node.Apns.Authority.MintPushCertificate(node.Certificate.Topic);
        await node.InstallAndUse(renewed);
        Assert.Equal(PushCertificateStanding.Good, (await node.CertificateGrain.Describe())!.Standing);
        node.Push([node.Target()]);
        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
    }

    [Fact]
    public async Task A_push_that_is_refused_with_the_old_certificate_goes_out_with_the_renewed_one()
    {
        await using var node = await PushNode.Start();
        using var renewed = node.Apns.Authority.MintPushCertificate(node.Certificate.Topic);
        using (node.Apns.HoldAnswers())
        {
            node.Push([node.Target()]);
            await node.Apns.Statistics.When(seen => seen.InFlight == 1).WaitAsync(PushNode.Patience);
            await node.InstallAndUse(renewed);
            node.Apns.Revoke(node.Certificate);
        }

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
        Assert.Equal(1, node.Apns.Statistics.Refused["BadCertificate"]);
        Assert.Null((await node.CertificateGrain.Describe())!.Refusal);
    }

    [Fact]
    public async Task A_certificate_that_APNs_takes_again_is_used_again()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var node = await PushNode.Start(time: time);
        node.Apns.Faults.Next(new VirtualFleet.Apns.ApnsFault.Answer(403, "Forbidden"));
        node.Push([node.Target()]);
        await node.Eventually(async () => (await node.CertificateGrain.Describe())!.Refusal == "Forbidden");

        time.Advance(TimeSpan.FromMinutes(2));
        node.Push([node.Target()]);

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
        await node.Eventually(async () => (await node.CertificateGrain.Describe())!.Standing == PushCertificateStanding.Good);
    }

    [Fact]
    public async Task Another_topic_is_refused_while_iPads_depend_on_the_present_one_unless_forced()
    {
        await using var node = await PushNode.Start();
        using var unused = node.Apns.Authority.MintPushCertificate();
        var ipad = await node.Enrol();

        var refused = await node.Install(unused.ToPem());

        Assert.Equal(PushCertificateOutcome.TopicChanged, refused.Outcome);
        Assert.Equal(1, refused.Dependants);
        Assert.Equal(node.Certificate.Topic, refused.Certificate!.Topic);
        Assert.Contains(unused.Topic, refused.Problem, StringComparison.Ordinal);
        Assert.Equal(node.Certificate.Topic, (await node.CertificateGrain.Describe())!.Topic);

        await node.InstallAndUse(unused, force: true);
        Assert.Equal(unused.Topic, node.Service<PushCertificateSource>().Topic);
        Assert.True(node.Outbox.TryAdd(ipad.Target));
        await node.Eventually(async () => await ipad.PushResult() == PushResult.OtherTopic);
        Assert.Equal(0, node.Apns.Statistics.Requests);
    }

    [Fact]
    public async Task Another_topic_is_taken_while_nobody_depends_on_the_present_one()
    {
        await using var node = await PushNode.Start();
        using var other = node.Apns.Authority.MintPushCertificate();

        await node.InstallAndUse(other);

        Assert.Equal(other.Topic, (await node.CertificateGrain.Describe())!.Topic);
    }

    [Fact]
    public async Task Pushes_that_wait_under_the_old_topic_are_not_sent_with_the_new_certificate()
    {
        await using var node = await PushNode.Start(settings: new Dictionary<string, string?>
        {
            ["Push:Connections"] = "1",
            ["Push:MaxInFlightPerConnection"] = "1",
        });
        using var other = node.Apns.Authority.MintPushCertificate();
        using (node.Apns.HoldAnswers())
        {
            node.Push([node.Target()]);
            await node.Apns.Statistics.When(seen => seen.InFlight == 1).WaitAsync(PushNode.Patience);
            node.Push([node.Target(), node.Target()]);
            await node.Eventually(() => node.Outbox.Count == 0);
            await node.InstallAndUse(other);
            await node.Eventually(() => node.Counted(PushResult.OtherTopic) == 2);
        }

        await node.Eventually(() => node.Counted(PushResult.Accepted) == 1);
    }

    [Fact]
    public async Task What_cannot_be_used_is_refused_with_its_name_and_changes_nothing()
    {
        await using var node = await PushNode.Start();
        var now = TimeProvider.System.GetUtcNow();
        using var expired = node.Apns.Authority.MintPushCertificate(node.Certificate.Topic, now.AddDays(-10), now.AddDays(-1));
        using var early = node.Apns.Authority.MintPushCertificate(node.Certificate.Topic, now.AddDays(1), now.AddDays(10));
        using var ofAnApp = node.Apns.Authority.MintPushCertificate("com.example.app");
        using var good = node.Apns.Authority.MintPushCertificate(node.Certificate.Topic);
        (string Problem, string Pem)[] uploads =
        [
            ("Expired", expired.ToPem()), ("NotYetValid", early.ToPem()), ("NotAnMdmTopic", ofAnApp.ToPem()),
            ("WrongPassword", good.ToPem("right")), ("Unreadable", "nothing"),
        ];
        foreach (var (problem, pem) in uploads)
        {
            var refused = await node.Install(pem, "wrong");

            Assert.Equal(PushCertificateOutcome.Invalid, refused.Outcome);
            Assert.Equal(problem, refused.ProblemCode);
            Assert.NotNull(refused.Problem);
            Assert.Equal(1, (await node.CertificateGrain.Describe())!.Version);
        }
    }

    [Fact]
    public async Task It_says_when_it_expires_soon_and_when_it_has()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var node = await PushNode.Start(time: time);

        time.Advance(TimeSpan.FromDays(340));
        Assert.Equal(PushCertificateStanding.ExpiresSoon, (await node.CertificateGrain.Describe())!.Standing);
        time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(PushCertificateStanding.Expired, (await node.CertificateGrain.Describe())!.Standing);
        node.Push([node.Target()]);
        await node.Eventually(() => node.Counted(PushResult.CertificateExpired) == 1);
        Assert.Equal(0, node.Apns.Statistics.Requests);
    }

    [Fact]
    public void Secrets_do_not_show_in_logs_of_messages()
    {
        Assert.DoesNotContain("hunter2", new PushCertificateUpload([1, 2, 3], "hunter2", false).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("MAGIC", new PushOrder("id", "topic", [1], "MAGIC").ToString(), StringComparison.Ordinal);
    }
}
