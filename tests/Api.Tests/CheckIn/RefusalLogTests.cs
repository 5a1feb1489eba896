using System.Security.Cryptography;
using FleetMdm.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>What the log says of an iPad that is not let in: a person must be able to find out why, and a stranger must not be able to fill it.</summary>
public sealed class RefusalLogTests : IAsyncLifetime
{
    private readonly Server _server = new();

    public sealed class Server : DeviceServer
    {
        public CapturedLog Log { get; } = new();

        public Enrolment.ShiftedTime Time { get; } = new();

        protected override IEnumerable<string> Further(TemporaryFolder folder) => ["--Logging:LogLevel:FleetMdm=Information"];

        protected override void Configure(WebApplicationBuilder builder)
        {
            builder.Logging.AddProvider(Log);
            builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(Time));
        }
    }

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task It_says_once_an_hour_what_was_presented_and_what_would_be_taken()
    {
        using var foreign = new TrustedIdentityCaTests.OtherCa().Issue(notBefore: -1, notAfter: 100);
        for (var i = 0; i < 3; i++) Assert.Equal(400, (await _server.Put("/mdm/checkin", Message.Authenticate(Guid.NewGuid().ToString()), foreign)).Status);
        var line = Assert.Single(Lines("was refused"));
        Assert.Contains("127.0.0.1", line);
        Assert.Contains("in the header Client-Cert of a trusted proxy", line);
        Assert.Contains("subject \"CN=iPad\"", line);
        Assert.Contains("issuer \"CN=Other CA ", line);
        Assert.Contains(foreign.SerialNumber, line);
        Assert.Contains(Convert.ToHexStringLower(foreign.GetCertHash(HashAlgorithmName.SHA256)), line);
        Assert.Contains("Taken would be a certificate of \"CN=FleetMdm MDM root, O=FleetMdm\", in the header Client-Cert", line);

        _server.Time.Shift = TimeSpan.FromMinutes(61);
        Assert.Equal(400, (await _server.Put("/mdm/checkin", Message.Authenticate(Guid.NewGuid().ToString()), (System.Security.Cryptography.X509Certificates.X509Certificate2?)null)).Status);
        Assert.Contains("no client certificate by TLS and no Mdm-Signature", Assert.Single(Lines("was refused"), text => text != line));
    }

    [Fact]
    public async Task It_says_which_certificate_an_iPad_came_with_that_is_not_its_own()
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var own = await _server.IssueIdentity();
        using var other = await _server.IssueIdentity();
        Assert.Equal(200, (await _server.Put("/mdm/checkin", Message.Authenticate(udid), own)).Status);
        for (var i = 0; i < 2; i++) Assert.Equal(403, (await _server.Put("/mdm/connect", Message.Report(udid, "Idle"), other)).Status);
        var line = Assert.Single(Lines("that the iPad enrolled with"));
        Assert.Contains(udid, line);
        Assert.Contains(other.SerialNumber, line);
    }

    [Fact]
    public async Task No_control_and_no_direction_character_of_an_iPad_reaches_a_line()
    {
        using var certificate = await _server.IssueIdentity();
        var answer = await _server.Put("/mdm/checkin", Message.Of("A1", "Evil\u202Etxt.exe\u009B2J\u2028 2026 warn\u2066 \U0001F600"), certificate);
        Assert.Equal(400, answer.Status);
        var line = Assert.Single(Lines("Evil"));
        Assert.DoesNotContain(line, c => char.IsControl(c) || c is '\u202E' or '\u2028' or '\u2066');
        Assert.Contains("Evil\\u202Etxt.exe?2J\\u2028 2026", line);
        Assert.Contains("\U0001F600", line);
    }

    private List<string> Lines(string with) => [.. _server.Log.Lines.Where(line => line.Contains(with, StringComparison.Ordinal))];
}
