using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Renewals;
using FleetMdm.Api.Tests.CheckIn;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Plist;
using FleetMdm.Testing;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace FleetMdm.Api.Tests.Renewals;

/// <summary>The profile that an iPad renews its certificate by.</summary>
public sealed class RenewalProfileTests(RenewalProfileTests.Server server) : IClassFixture<RenewalProfileTests.Server>
{
    public sealed class Server : DeviceServer
    {
        protected override IEnumerable<string> Further(TemporaryFolder folder) => ["--Mdm:PublicUrl=https://new.example:8443"];
    }

    private static readonly RenewalOrder Order = new()
    {
        CommandUuid = "0C52D5A6-1F7E-8000-8000-000000000000",
        Renews = SHA256.HashData("an old certificate"u8),
        Authority = "old.example",
        Topic = "com.apple.mgmt.External.1",
    };

    [Fact]
    public async Task It_names_the_URLs_by_which_the_iPad_is_enrolled_whatever_the_public_one_is_by_now()
    {
        var (mdm, scep) = await Payloads(await Make(Order));

        Assert.Equal(("https://old.example/mdm/connect", "https://old.example/mdm/checkin"), (mdm.GetString("ServerURL"), mdm.GetString("CheckInURL")));
        Assert.Equal("https://old.example/scep", scep.GetString("URL"));
        Assert.Equal(Order.Topic, mdm.GetString("Topic"));
        var challenge = OneTimeChallenge.Verify((await server.Service<EnrolmentAuthority>().Get()).ChallengeKey, scep.GetString("Challenge"), TimeProvider.System.GetUtcNow());
        Assert.Equal((Convert.ToHexString(Order.Renews), "old.example"), (Convert.ToHexString(challenge!.Renews!), challenge.Authority));
    }

    [Fact]
    public async Task Each_has_a_challenge_of_its_own()
    {
        var (_, first) = await Payloads(await Make(Order));
        var (_, second) = await Payloads(await Make(Order));
        Assert.NotEqual(first.GetString("Challenge"), second.GetString("Challenge"));
    }

    public static TheoryData<string, string, bool, string?, string?> Senders => new()
    {
        // Address of the connection, Host, TLS ended here, X-Forwarded-Host, what the iPad calls the server.
        { "192.0.2.7", "older.example:8443", true, null, "older.example:8443" },
        { "192.0.2.7", "OLDER.example", true, "liar.example", "older.example" },
        { "127.0.0.1", "node1.internal:8080", false, "older.example", "older.example" },
        { "127.0.0.1", "node1.internal:8080", false, null, null },
        { "127.0.0.1", "node1.internal:8080", true, null, null },
        { "127.0.0.1", "new.example:8443", false, null, "new.example:8443" },
        { "192.0.2.7", "somewhere.example", false, null, null },
    };

    [Theory]
    [MemberData(nameof(Senders))]
    public async Task Where_that_was_not_kept_the_iPads_own_message_tells_unless_a_proxy_may_have_changed_it(
        string remote, string host, bool tls, string? forwarded, string? expected)
    {
        var made = await Make(Order with { Authority = null }, remote, host, tls, forwarded);
        if (expected is null)
        {
            Assert.Null(made);
            return;
        }

        var (mdm, _) = await Payloads(made);
        Assert.Equal($"https://{expected}/mdm/connect", mdm.GetString("ServerURL"));
    }

    private async Task<byte[]?> Make(RenewalOrder order, string remote = "192.0.2.7", string host = "new.example:8443", bool tls = true, string? forwarded = null)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(remote);
        context.Request.Host = new HostString(host);
        if (tls) context.Features.Set<ITlsHandshakeFeature>(new Tls());
        if (forwarded is not null) context.Request.Headers["X-Forwarded-Host"] = forwarded;
        return await server.Service<RenewalProfiles>().Make(context, order);
    }

    private async Task<(PlistDictionary Mdm, PlistDictionary Scep)> Payloads(byte[]? message)
    {
        var command = PlistReader.ReadDictionary(message!, PlistLimits.Admin);
        Assert.Equal(Order.CommandUuid, command.GetString("CommandUUID"));
        var cms = new SignedCms();
        cms.Decode(((PlistData)((PlistDictionary)command["Command"])["Payload"]).Value.ToArray());
        cms.CheckSignature(verifySignatureOnly: true);
        Assert.Equal((await server.Service<EnrolmentAuthority>().Get()).ProfileSigner.Thumbprint, cms.SignerInfos[0].Certificate!.Thumbprint);
        var profile = PlistReader.ReadDictionary(cms.ContentInfo.Content, PlistLimits.Admin);
        Assert.Equal("com.fleetmdm.enrolment", profile.GetString("PayloadIdentifier"));
        var payloads = profile.GetArray("PayloadContent")!.Cast<PlistDictionary>().ToDictionary(payload => payload.GetString("PayloadType")!);
        return (payloads["com.apple.mdm"], (PlistDictionary)payloads["com.apple.security.scep"]["PayloadContent"]);
    }

    private sealed class Tls : ITlsHandshakeFeature
    {
        public System.Security.Authentication.SslProtocols Protocol => System.Security.Authentication.SslProtocols.Tls13;
#pragma warning disable SYSLIB0058 // The interface has them.
        public System.Security.Authentication.CipherAlgorithmType CipherAlgorithm => default;
        public int CipherStrength => 0;
        public System.Security.Authentication.HashAlgorithmType HashAlgorithm => default;
        public int HashStrength => 0;
        public System.Security.Authentication.ExchangeAlgorithmType KeyExchangeAlgorithm => default;
        public int KeyExchangeStrength => 0;
#pragma warning restore SYSLIB0058
    }
}
