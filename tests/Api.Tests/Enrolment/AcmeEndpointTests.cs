using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Attestation;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Tests.Identity;
using FleetMdm.Storage.Attestation;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Enrolment;

/// <summary>ACME with attestations, as iPads speak it and as strangers do.</summary>
[Collection(EnrolmentCollection.Name)]
public sealed class AcmeEndpointTests(EnrolmentHost host) : IAsyncLifetime
{
    private static readonly IPadDescription Pad = IPadDescription.Number(4711);
    private static int _pads = 5000;

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private IPadFleet _fleet = null!;
    private Invitation _invitation = null!;

    public async ValueTask InitializeAsync()
    {
        await host.InstallPushCertificate();
        _invitation = await host.Invite();
        _fleet = new IPadFleet(new FleetOptions
        {
            Trust = TrustAnchors.FromPem(await host.Client.GetStringAsync("/ca.pem")),
            Factory = host.Factory,
            Attestation = host.Attestation,
            Keys = KeySource.Shared(2),
            Time = host.Time,
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _fleet.DisposeAsync();
        _key.Dispose();
    }

    private static ProvenDevice Device(IPadDescription pad) => ProvenDevice.Of(pad.Udid, pad.SerialNumber)!;

    private async Task<string> Identifier(IPadDescription? pad = null, ChallengeKind kind = ChallengeKind.Attested, TimeSpan? lifetime = null) => OneTimeChallenge.Create(
        (await host.Authority.Get()).ChallengeKey, _invitation.Id, host.Time.GetUtcNow() + (lifetime ?? TimeSpan.FromHours(1)), host.Https.Authority, kind, pad is null ? null : Device(pad));

    private async Task<AcmeClient> Client(ECDsa? account = null)
    {
        var client = _fleet.NewAcmeClient(account);
        await client.OpenAsync(new Uri(host.Https, "/acme/directory"));
        await client.NewAccountAsync();
        return client;
    }

    private AttestationClaims Claims(byte[] freshness, IPadDescription? pad = null) => new()
    {
        SerialNumber = (pad ?? Pad).SerialNumber,
        Udid = (pad ?? Pad).Udid,
        OsVersion = "18.3",
        SepOsVersion = "18.3",
        SoftwareUpdateDeviceId = "J271AP",
        Freshness = freshness,
    };

    private IReadOnlyList<byte[]> Attest(byte[] freshness, IPadDescription? pad = null) => host.Attestation.Attest(_key, Claims(freshness, pad));

    private static async Task<JsonObject> Challenge(AcmeClient client, (string Url, JsonObject Body) order)
    {
        var authorization = await client.FetchAsync((string)order.Body["authorizations"]![0]!);
        return authorization["challenges"]![0]!.AsObject();
    }

    private static async Task<JsonObject> Answer(AcmeClient client, JsonObject challenge, JsonObject answer) =>
        JsonNode.Parse((await client.PostAsync((string)challenge["url"]!, answer)).Body)!.AsObject();

    private async Task<(AcmeClient Client, (string Url, JsonObject Body) Order, JsonObject Challenge)> Ordered(string? identifier = null)
    {
        var client = await Client();
        var order = await client.NewOrderAsync(identifier ?? await Identifier(Pad));
        return (client, order, await Challenge(client, order));
    }

    private async Task<(AcmeClient Client, (string Url, JsonObject Body) Order)> Attested(string? identifier = null, IPadDescription? pad = null)
    {
        var (client, order, challenge) = await Ordered(identifier);
        Assert.Equal("valid", (string?)(await Answer(client, challenge, AcmeClient.AnswerTo(challenge, freshness => Attest(freshness, pad))))["status"]);
        return (client, order);
    }

    /// <summary>An attestation that is refused: why, and that the order is over.</summary>
    private async Task<string> Refused(Func<byte[], IReadOnlyList<byte[]>?> attest, string? identifier = null)
    {
        var (client, order, challenge) = await Ordered(identifier);
        using (client)
        {
            return await Refused(client, order, challenge, AcmeClient.AnswerTo(challenge, attest));
        }
    }

    private async Task<string> Refused(AcmeClient client, (string Url, JsonObject Body) order, JsonObject challenge, JsonObject answer)
    {
        var after = await Answer(client, challenge, answer);
        Assert.Equal("invalid", (string?)after["status"]);
        Assert.Equal("urn:ietf:params:acme:error:badAttestationStatement", (string?)after["error"]!["type"]);
        Assert.Equal("invalid", (string?)(await client.FetchAsync(order.Url))["status"]);
        Assert.Equal("invalid", (string?)(await client.FetchAsync((string)order.Body["authorizations"]![0]!))["status"]);
        // A right one comes too late.
        Assert.Equal("invalid", (string?)(await Answer(client, challenge, AcmeClient.AnswerTo(challenge, freshness => Attest(freshness))))["status"]);
        Assert.Equal("orderNotReady", AcmeClient.Problem(await client.FinalizeAsync((string)order.Body["finalize"]!, _key)));
        return (string)after["error"]!["detail"]!;
    }

    private async Task<CertificateStanding> Standing(X509Certificate2 certificate) =>
        await host.Services.GetRequiredService<IDeviceStore>().FindCertificate(certificate.GetCertHash(HashAlgorithmName.SHA256));

    [Fact]
    public async Task The_directory_names_what_there_is_and_nonces_are_given()
    {
        var directory = JsonNode.Parse(await host.Client.GetStringAsync("/acme/directory"))!;
        Assert.Equal(new Uri(host.Https, "/acme/new-order").AbsoluteUri, (string?)directory["newOrder"]);
        using var head = await host.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/acme/new-nonce"));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        using var get = await host.Client.GetAsync("/acme/new-nonce");
        Assert.Equal(HttpStatusCode.NoContent, get.StatusCode);
        Assert.True(get.Headers.CacheControl!.NoStore);
        Assert.NotEqual(Assert.Single(head.Headers.GetValues("Replay-Nonce")), Assert.Single(get.Headers.GetValues("Replay-Nonce")));
    }

    [Fact]
    public async Task An_iPad_that_attests_gets_a_certificate_for_its_key_with_a_name_that_the_server_gives()
    {
        var identifier = await Identifier(Pad);
        var (client, order, challenge) = await Ordered(identifier);
        Assert.Equal(("pending", identifier), ((string?)order.Body["status"], (string?)order.Body["identifiers"]![0]!["value"]));
        Assert.Equal(identifier, (string?)(await client.FetchAsync((string)order.Body["authorizations"]![0]!))["identifier"]!["value"]);
        Assert.Equal("orderNotReady", AcmeClient.Problem(await client.FinalizeAsync((string)order.Body["finalize"]!, _key)));
        await Answer(client, challenge, AcmeClient.AnswerTo(challenge, freshness => Attest(freshness)));
        Assert.Equal("ready", (string?)(await client.FetchAsync(order.Url))["status"]);

        using var certificate = (await client.FinishAsync(order, _key)).Certificate;

        Assert.StartsWith("CN=iPad ", certificate.Subject, StringComparison.Ordinal);
        var standing = await Standing(certificate);
        Assert.Equal(new ProvenIPad(Pad.Udid, Pad.SerialNumber), standing.Proven);
        Assert.Equal((_invitation.Id, host.Https.Authority), (standing.Issued!.InvitationId, standing.Issued.Authority));
        Assert.Equal("18.3", (await host.Services.GetRequiredService<IAttestationStore>().OfCertificate(standing.Issued.Sha256))!.OsVersion);
        Assert.Equal(1, (await host.Store.FindInvitation(_invitation.Id))!.Uses);
        client.Dispose();
    }

    [Fact]
    public async Task Twice_finalized_it_is_the_same_certificate_and_for_another_key_none()
    {
        var (client, order) = await Attested();
        var finalize = (string)order.Body["finalize"]!;
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal("badCSR", AcmeClient.Problem(await client.FinalizeAsync(finalize, other)));
        var certificate = (await client.FinishAsync(order, _key)).Sha256;

        Assert.Equal(certificate, (await client.FinishAsync(order, _key)).Sha256);
        Assert.Equal("badCSR", AcmeClient.Problem(await client.FinalizeAsync(finalize, other)));
        Assert.Equal("badCSR", AcmeClient.Problem(await client.PostAsync(finalize, new JsonObject { ["csr"] = "AAAA" })));
        Assert.Equal("malformed", AcmeClient.Problem(await client.PostAsync(finalize, new JsonObject { ["csr"] = "=" })));
        Assert.Equal(1, (await host.Store.FindInvitation(_invitation.Id))!.Uses);
        client.Dispose();
    }

    [Fact]
    public async Task A_nonce_counts_once_and_only_ours()
    {
        using var client = await Client();
        var url = new Uri(host.Https, "/acme/new-order").AbsoluteUri;
        var payload = new JsonObject { ["identifiers"] = new JsonArray(new JsonObject { ["type"] = "permanent-identifier", ["value"] = await Identifier(Pad) }) };
        var sent = client.Sign(url, payload, client.Nonce!);
        Assert.Equal(201, (await client.SendAsync(url, sent)).Status);
        var again = await client.SendAsync(url, sent);
        Assert.Equal((400, "badNonce"), (again.Status, AcmeClient.Problem(again)));
        Assert.NotNull(again.ReplayNonce);
        foreach (var nonce in new[] { "", "AAAA", again.ReplayNonce[..^2] }) Assert.Contains(AcmeClient.Problem(await client.SendAsync(url, client.Sign(url, payload, nonce))), new[] { "badNonce", "malformed" });

        var late = client.Nonce!;
        try
        {
            host.Time.Shift = TimeSpan.FromMinutes(16);
            Assert.Equal("badNonce", AcmeClient.Problem(await client.SendAsync(url, client.Sign(url, payload, late))));
        }
        finally
        {
            host.Time.Shift = TimeSpan.Zero;
        }
    }

    [Fact]
    public async Task A_request_for_another_address_or_by_another_key_is_refused()
    {
        using var client = await Client();
        var (order, account) = (new Uri(host.Https, "/acme/new-order").AbsoluteUri, new Uri(host.Https, "/acme/new-account").AbsoluteUri);
        async Task<string?> Problem(string url, byte[] body) => AcmeClient.Problem(await client.SendAsync(url, body));

        Assert.Equal("unauthorized", await Problem(order, client.Sign(account, [], client.Nonce!)));
        Assert.Equal("unauthorized", await Problem(order, client.Sign("https://other.example/acme/new-order", [], client.Nonce!)));
        // An account where a key is wanted, and the other way round.
        Assert.Equal("malformed", await Problem(account, client.Sign(account, [], client.Nonce!)));
        Assert.Equal("malformed", await Problem(order, client.Sign(order, [], client.Nonce!, header => { header.Remove("kid"); header["jwk"] = client.Jwk(); })));
        Assert.Equal("accountDoesNotExist", await Problem(order, client.Sign(order, [], client.Nonce!, header => header["kid"] = new Uri(host.Https, "/acme/account/AAAA").AbsoluteUri)));
        Assert.Equal("accountDoesNotExist", await Problem(order, client.Sign(order, [], client.Nonce!, header => header["kid"] = client.KeyId!.Replace("/account/", "/order/", StringComparison.Ordinal))));
        using var other = await Client();
        Assert.Equal("malformed", await Problem(order, client.Sign(order, [], client.Nonce!, header => header["kid"] = other.KeyId)));
        Assert.Equal("accountDoesNotExist", AcmeClient.Problem(await client.SendAsync(account, client.Sign(account, new JsonObject { ["onlyReturnExisting"] = true }, client.Nonce!, header => { header.Remove("kid"); header["jwk"] = client.Jwk(); }))));
        var algorithm = await client.SendAsync(order, client.Sign(order, [], client.Nonce!, header => header["alg"] = "HS256"));
        Assert.Equal("badSignatureAlgorithm", AcmeClient.Problem(algorithm));
        Assert.Contains("ES256", Encoding.UTF8.GetString(algorithm.Body));

        using var text = await host.Client.PostAsync("/acme/new-order", new StringContent("{}"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);
        using var large = await host.Client.PostAsync("/acme/new-order", new ByteArrayContent(new byte[100_000]) { Headers = { ContentType = new MediaTypeHeaderValue("application/jose+json") } });
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
    }

    [Fact]
    public async Task Accounts_with_P384_keys_are_taken_too()
    {
        using var client = await Client(ECDsa.Create(ECCurve.NamedCurves.nistP384));
        Assert.Equal("pending", (string?)(await client.NewOrderAsync(await Identifier(Pad))).Body["status"]);
    }

    [Fact]
    public async Task An_identifier_that_is_none_of_ours_brings_no_order()
    {
        using var client = await Client();
        var (key, url) = ((await host.Authority.Get()).ChallengeKey, new Uri(host.Https, "/acme/new-order").AbsoluteUri);
        async Task<string?> Problem(string identifier) => AcmeClient.Problem(await client.TryOrderAsync(identifier));

        foreach (var identifier in new[]
        {
            Pad.SerialNumber, "x", await Identifier(Pad, lifetime: TimeSpan.FromMinutes(-1)), (await Identifier(Pad))[..^1] + "0", new string('a', 2_000),
            // A challenge of SCEP is none.
            OneTimeChallenge.Create(key, _invitation.Id, host.Time.GetUtcNow().AddHours(1)), OneTimeChallenge.Create(key, _invitation.Id, host.Time.GetUtcNow().AddHours(1), device: Device(Pad)),
        })
        {
            Assert.Equal("rejectedIdentifier", await Problem(identifier));
        }

        async Task<string?> Posted(JsonObject payload) => AcmeClient.Problem(await client.PostAsync(url, payload));
        Assert.Equal("unsupportedIdentifier", await Posted(new JsonObject { ["identifiers"] = new JsonArray(new JsonObject { ["type"] = "dns", ["value"] = "a.example" }) }));
        Assert.Equal("malformed", await Posted([]));
        Assert.Equal("malformed", await Posted(new JsonObject { ["identifiers"] = new JsonArray() }));
        Assert.Equal("malformed", await Posted(new JsonObject { ["identifiers"] = new JsonArray(1, 2) }));
        Assert.Equal("unsupportedIdentifier", await Posted(new JsonObject { ["identifiers"] = new JsonArray(1) }));
        Assert.Equal("malformed", await Posted(new JsonObject { ["notAfter"] = "2040-01-01T00:00:00Z", ["identifiers"] = new JsonArray(new JsonObject { ["type"] = "permanent-identifier", ["value"] = await Identifier(Pad) }) }));
    }

    [Fact]
    public async Task An_order_is_its_accounts_alone()
    {
        var (client, order, challenge) = await Ordered();
        using (client)
        {
            using var other = await Client();
            foreach (var url in new[] { order.Url, (string)order.Body["authorizations"]![0]!, (string)challenge["url"]!, (string)order.Body["finalize"]!, order.Url.Replace("/order/", "/certificate/", StringComparison.Ordinal), order.Url[..^1], order.Url + "A" })
                Assert.Equal("unauthorized", AcmeClient.Problem(await other.PostAsync(url, null)));
            Assert.Equal("malformed", AcmeClient.Problem(await client.PostAsync(order.Url, [])));
            Assert.Equal("orderNotReady", AcmeClient.Problem(await client.PostAsync(order.Url.Replace("/order/", "/certificate/", StringComparison.Ordinal), null)));
            Assert.Equal("pending", (string?)(await client.FetchAsync((string)challenge["url"]!))["status"]);
        }
    }

    [Fact]
    public async Task A_client_identifier_brings_one_certificate_whoever_comes_with_it()
    {
        var identifier = await Identifier(Pad);
        var (client, order) = await Attested(identifier);
        await client.FinishAsync(order, _key);

        using var other = await Client();
        Assert.Equal("rejectedIdentifier", AcmeClient.Problem(await other.TryOrderAsync(identifier)));
        Assert.Equal("valid", (string?)(await client.NewOrderAsync(identifier)).Body["status"]);
        client.Dispose();
    }

    [Fact]
    public async Task An_order_of_yesterday_is_over()
    {
        var (client, order) = await Attested();
        try
        {
            host.Time.Shift = TimeSpan.FromHours(2);
            Assert.Equal("unauthorized", AcmeClient.Problem(await client.FinalizeAsync((string)order.Body["finalize"]!, _key)));
        }
        finally
        {
            host.Time.Shift = TimeSpan.Zero;
            client.Dispose();
        }
    }

    [Fact]
    public async Task An_attestation_of_another_iPad_for_another_challenge_or_of_another_root_is_refused()
    {
        Assert.Contains($"of the iPad {IPadDescription.Number(1).SerialNumber}", await Refused(freshness => Attest(freshness, IPadDescription.Number(1))));
        Assert.Contains("UDID", await Refused(freshness => host.Attestation.Attest(_key, Claims(freshness) with { Udid = IPadDescription.Number(1).Udid })));
        Assert.Contains("does not name a serial number", await Refused(freshness => host.Attestation.Attest(_key, Claims(freshness) with { SerialNumber = null })));
        Assert.Contains("something else than this challenge", await Refused(_ => Attest(SHA256.HashData("of yesterday"u8))));
        Assert.Contains("something else than this challenge", await Refused(_ => host.Attestation.Attest(_key, Claims([]) with { Freshness = null })));
        using var stranger = new AttestationAuthority();
        Assert.Contains("does not end in", await Refused(freshness => stranger.Attest(_key, Claims(freshness))));
        Assert.Contains("has ended", await Refused(freshness => host.Attestation.Attest(_key, Claims(freshness) with { Lifetime = TimeSpan.FromSeconds(-10) })));
        Assert.Contains("sent no attestation, and said: DEVICE_NOT_SUPPORTED", await Refused(_ => null));
    }

    [Fact]
    public async Task What_is_no_attestation_is_refused()
    {
        foreach (var answer in new Func<JsonObject, JsonObject>[]
        {
            _ => [],
            _ => new JsonObject { ["attObj"] = "" },
            _ => new JsonObject { ["attObj"] = "AAAA" },
            challenge => new JsonObject { ["attObj"] = System.Buffers.Text.Base64Url.EncodeToString(AcmeClient.Statement(Attest(SHA256.HashData(Encoding.ASCII.GetBytes((string)challenge["token"]!))), "packed")) },
            _ => new JsonObject { ["attObj"] = System.Buffers.Text.Base64Url.EncodeToString(AcmeClient.Statement([])) },
            _ => new JsonObject { ["error"] = "a\u0000b" + new string('c', 1_000) },
        })
        {
            var (client, order, challenge) = await Ordered();
            using (client) Assert.DoesNotContain('\0', await Refused(client, order, challenge, answer(challenge)));
        }

        var (other, _, one) = await Ordered();
        using (other) Assert.Equal("malformed", AcmeClient.Problem(await other.PostAsync((string)one["url"]!, new JsonObject { ["attObj"] = "not base64!" })));
    }

    [Fact]
    public async Task After_a_refusal_the_same_profile_begins_anew()
    {
        var identifier = await Identifier(Pad);
        await Refused(_ => null, identifier);
        var (client, order) = await Attested(identifier);
        await client.FinishAsync(order, _key);
        client.Dispose();
    }

    [Fact]
    public async Task An_attestation_for_anybody_says_itself_which_iPad_it_is()
    {
        var identifier = await Identifier();
        Assert.Contains("no UDID", await Refused(freshness => host.Attestation.Attest(_key, Claims(freshness) with { Udid = null }), identifier));
        var (client, order) = await Attested(await Identifier());
        using var certificate = (await client.FinishAsync(order, _key)).Certificate;
        Assert.Equal(new ProvenIPad(Pad.Udid, Pad.SerialNumber), (await Standing(certificate)).Proven);
        client.Dispose();
    }

    [Fact]
    public async Task An_invitation_for_another_iPad_and_one_that_is_withdrawn_bring_no_certificate()
    {
        var only = new Invitation { Id = Guid.NewGuid().ToString("N"), CreatedAt = host.Time.GetUtcNow(), ExpiresAt = host.Time.GetUtcNow().AddDays(1), CreatedBy = "test", OnlyFor = ["DMPOTHER0001"] };
        await host.Store.CreateInvitation(only);
        _invitation = only;
        Assert.Contains("for another iPad", await Refused(freshness => Attest(freshness), await Identifier()));

        _invitation = await host.Invite();
        var (client, order) = await Attested();
        await host.Store.RevokeInvitation(_invitation.Id, host.Time.GetUtcNow());
        Assert.Equal("unauthorized", AcmeClient.Problem(await client.FinalizeAsync((string)order.Body["finalize"]!, _key)));
        client.Dispose();
    }

    [Fact]
    public async Task One_profile_for_many_brings_each_iPad_its_own()
    {
        var identifier = await Identifier(kind: ChallengeKind.ManyAttested);
        for (var i = 0; i < 2; i++)
        {
            var pad = IPadDescription.Number(Interlocked.Increment(ref _pads));
            var (client, order) = await Attested(identifier, pad);
            using var certificate = (await client.FinishAsync(order, _key)).Certificate;
            Assert.Equal(pad.SerialNumber, (await Standing(certificate)).Proven!.SerialNumber);
            client.Dispose();
        }

        Assert.Equal(2, (await host.Store.FindInvitation(_invitation.Id))!.Uses);
    }

    // ---- Which profile an iPad gets ----

    private async Task<EnrolmentProfile> ProfileOf(VirtualIPad ipad, string? query = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/enroll/{_invitation.Id}{query}");
        request.Headers.UserAgent.ParseAdd("Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1");
        using var answer = await host.Client.SendAsync(request);
        return EnrolmentProfile.Read(ConfigurationProfile.Read(await ipad.OverTheAirAsync(await answer.Content.ReadAsByteArrayAsync())));
    }

    private VirtualIPad Add(Func<IPadDescription, IPadDescription>? change = null)
    {
        var pad = IPadDescription.Number(Interlocked.Increment(ref _pads));
        return _fleet.Add(change?.Invoke(pad) ?? pad);
    }

    [Fact]
    public async Task Where_attestation_is_off_iPads_get_their_identity_by_SCEP()
    {
        Assert.Null((await ProfileOf(Add())).Acme);
        Assert.Null((await ProfileOf(Add(), "?profile=plain")).Acme);
    }

    [Fact]
    public async Task Where_it_is_possible_iPads_that_can_attest_get_ACME_and_the_others_SCEP()
    {
        using var mode = host.Set(AttestedIdentity.WhenPossible);
        var acme = (await ProfileOf(Add())).Acme!;
        Assert.Equal((256, true), (acme.KeySize, acme.Attest));
        Assert.Equal(new Uri(host.Https, "/acme/directory"), acme.Directory);
        Assert.Null((await ProfileOf(Add(pad => pad with { ProductName = "iPad7,11" }))).Acme);
        Assert.Null((await ProfileOf(Add(pad => pad with { OsVersion = "15.8", BuildVersion = "19H370" }))).Acme);
        // Nobody knows which iPad will install it.
        Assert.Null((await ProfileOf(Add(), "?profile=plain")).Acme);
    }

    [Fact]
    public async Task Where_it_is_possible_an_iPad_whose_attestation_fails_gets_SCEP_next_and_the_reason_is_kept()
    {
        using var mode = host.Set(AttestedIdentity.WhenPossible);
        var store = host.Services.GetRequiredService<IAttestationStore>();
        var ipad = Add();
        ipad.Attesting = _ => null;
        var profile = await ProfileOf(ipad);
        using (var client = await Client())
        {
            var order = await client.NewOrderAsync(profile.Acme!.ClientIdentifier);
            var challenge = await Challenge(client, order);
            await Answer(client, challenge, AcmeClient.AnswerTo(challenge, _ => null));
        }

        Assert.Null((await ProfileOf(ipad)).Acme);
        Assert.Contains("DEVICE_NOT_SUPPORTED", (await store.FindTry(ipad.Description.SerialNumber))!.Refused);
        // Tomorrow it is tried anew.
        try
        {
            host.Time.Shift = TimeSpan.FromHours(25);
            _invitation = await host.Invite();
            Assert.NotNull((await ProfileOf(ipad)).Acme);
        }
        finally
        {
            host.Time.Shift = TimeSpan.Zero;
        }

        // One that never says why: the third profile.
        var silent = Add();
        Assert.NotNull((await ProfileOf(silent)).Acme);
        Assert.NotNull((await ProfileOf(silent)).Acme);
        Assert.Null((await ProfileOf(silent)).Acme);
    }

    [Fact]
    public async Task Where_it_is_required_nobody_comes_by_SCEP()
    {
        // What was given before, to whomever.
        var before = (await ProfileOf(Add())).Scep;
        var plainBefore = (await ProfileOf(Add(), "?profile=plain")).Scep;
        using var mode = host.Set(AttestedIdentity.Required);

        Assert.NotNull((await ProfileOf(Add())).Acme);
        Assert.NotNull((await ProfileOf(Add(), "?profile=plain")).Acme);
        var refused = await Assert.ThrowsAsync<EnrolmentException>(() => ProfileOf(Add(pad => pad with { ProductName = "iPad7,11" })));
        Assert.Contains("cannot attest", refused.Message);
        foreach (var challenge in new[] { before.Challenge!, plainBefore.Challenge!, await host.Challenge(_invitation.Id), OneTimeChallenge.Create((await host.Authority.Get()).ChallengeKey, _invitation.Id, host.Time.GetUtcNow().AddHours(1), kind: ChallengeKind.Many) })
            Assert.Null(await ByScep(challenge));
        // A client identifier neither.
        Assert.Null(await ByScep((await ProfileOf(Add())).Acme!.ClientIdentifier));
    }

    /// <summary>By SCEP; null: refused.</summary>
    private async Task<byte[]?> ByScep(string challenge)
    {
        var ra = new System.Security.Cryptography.Pkcs.SignedCms();
        ra.Decode(await host.Client.GetByteArrayAsync("/scep?operation=GetCACert"));
        var csr = TestPki.Csr(TestPki.RsaKey, challenge: challenge);
        using var answer = await host.Client.PostAsync("/scep?operation=PKIOperation", new ByteArrayContent(TestScepClient.Message(TestScepClient.Envelope(csr, to: new(ra.Certificates[0].RawData, [])))));
        return TestScepClient.Read(await answer.Content.ReadAsByteArrayAsync(), ra: ra.Certificates[0].RawData).Issued?.RawData;
    }

    // ---- Renewal ----

    private async Task<string> RenewalIdentifier(X509Certificate2 old, IPadDescription pad) => OneTimeChallenge.CreateAttestedRenewal(
        (await host.Authority.Get()).ChallengeKey, old.GetCertHash(HashAlgorithmName.SHA256), host.Time.GetUtcNow().AddHours(1), Device(pad), host.Https.Authority);

    [Fact]
    public async Task A_renewal_needs_an_attestation_of_the_same_iPad_and_follows_the_rule_of_one_successor()
    {
        var (client, order) = await Attested();
        using var old = (await client.FinishAsync(order, _key)).Certificate;
        client.Dispose();
        Assert.Contains("of the iPad", await Refused(freshness => Attest(freshness, IPadDescription.Number(1)), await RenewalIdentifier(old, Pad)));
        // Nobody has enrolled with it yet.
        var (early, first) = await Attested(await RenewalIdentifier(old, Pad));
        Assert.Equal("unauthorized", AcmeClient.Problem(await early.FinalizeAsync((string)first.Body["finalize"]!, _key)));
        early.Dispose();
        await host.Use(old);

        var identifier = await RenewalIdentifier(old, Pad);
        var (renewing, second) = await Attested(identifier);
        using var renewed = (await renewing.FinishAsync(second, _key)).Certificate;
        var standing = await Standing(renewed);
        Assert.Equal(old.GetCertHash(HashAlgorithmName.SHA256), standing.Issued!.Renews);
        Assert.Equal(_invitation.Id, standing.Issued.InvitationId);
        Assert.NotNull(await host.Services.GetRequiredService<IAttestationStore>().OfCertificate(standing.Issued.Sha256));
        Assert.Equal(1, (await host.Store.FindInvitation(_invitation.Id))!.Uses);
        using var other = await Client();
        Assert.Equal("rejectedIdentifier", AcmeClient.Problem(await other.TryOrderAsync(identifier)));
        renewing.Dispose();
    }

    [Theory]
    [InlineData(AttestedIdentity.Off, true, false, true)]
    [InlineData(AttestedIdentity.WhenPossible, true, false, false)]
    [InlineData(AttestedIdentity.WhenPossible, true, true, true)]
    [InlineData(AttestedIdentity.Required, true, true, false)]
    [InlineData(AttestedIdentity.Required, true, false, false)]
    [InlineData(AttestedIdentity.Required, false, true, true)]
    [InlineData(AttestedIdentity.Required, false, false, true)]
    public void SCEP_renews_what_was_attested_only_where_the_server_chose_it(AttestedIdentity mode, bool attested, bool byServer, bool may) =>
        Assert.Equal(may, AttestationPolicy.MayRenewByScep(mode, attested, byServer));

    [Fact]
    public async Task Where_attestation_is_required_SCEP_does_not_renew_an_attested_certificate()
    {
        var (client, order) = await Attested();
        using var old = (await client.FinishAsync(order, _key)).Certificate;
        client.Dispose();
        await host.Use(old);
        var challenge = OneTimeChallenge.CreateRenewal((await host.Authority.Get()).ChallengeKey, old.GetCertHash(HashAlgorithmName.SHA256), host.Time.GetUtcNow().AddHours(1), host.Https.Authority);
        using (host.Set(AttestedIdentity.Required)) Assert.Null(await ByScep(challenge));
        using (host.Set(AttestedIdentity.WhenPossible)) Assert.NotNull(await ByScep(challenge));
    }

    [Fact]
    public void How_a_renewal_is_done_depends_on_the_iPad_and_on_what_failed()
    {
        var ipad = new RenewingIPad(Pad.Udid, Pad.SerialNumber, "iPad13,18", "18.3", IsAttested: false, Failures: 0);
        IdentityWay Way(AttestedIdentity mode, RenewingIPad? one) => AttestationPolicy.ForRenewal(mode, one).Way;

        Assert.Equal(IdentityWay.Scep, Way(AttestedIdentity.Off, ipad with { IsAttested = true }));
        Assert.Equal(IdentityWay.Acme, Way(AttestedIdentity.WhenPossible, ipad));
        Assert.Equal(IdentityWay.Acme, Way(AttestedIdentity.Required, ipad));
        Assert.Equal(IdentityWay.Scep, Way(AttestedIdentity.Required, ipad with { ProductName = "iPad7,11" }));
        Assert.Equal(IdentityWay.Scep, Way(AttestedIdentity.Required, ipad with { Failures = 2 }));
        Assert.Equal(IdentityWay.Acme, Way(AttestedIdentity.Required, ipad with { Failures = 9, IsAttested = true }));
        Assert.Equal(IdentityWay.Scep, Way(AttestedIdentity.WhenPossible, ipad with { Failures = 2, IsAttested = true }));
        Assert.Equal(IdentityWay.Scep, Way(AttestedIdentity.Required, null));
    }
}
