using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Plist;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>
/// A server that answers reports as a test tells it to, one answer a report: to see what the simulated iPad makes of answers that
/// the real server should never give. Check-in messages are answered 200.
/// </summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private const string Topic = "com.apple.mgmt.External.scripted";
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<ScriptedAnswer> _answers = new();
    private readonly Channel<ScriptedReport> _reports = Channel.CreateUnbounded<ScriptedReport>();
    private readonly WebApplication _app;
    private readonly RSA _key = RSA.Create(2048);

    private ScriptedServer(WebApplication app, TrustAnchors trust)
    {
        _app = app;
        Trust = trust;
    }

    public TrustAnchors Trust { get; }

    /// <summary>MessageTypes, in order.</summary>
    public ConcurrentQueue<string> CheckIns { get; } = new();

    /// <summary>What a GET is answered with, by its path; others get 404.</summary>
    public ConcurrentDictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    public string Address(string path) => new Uri(Url, path).AbsoluteUri;

    private Uri Url => new($"https://localhost:{new Uri(_app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First()).Port}");

    public static async Task<ScriptedServer> StartAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var app = builder.Build();
        var server = new ScriptedServer(app, new TrustAnchors([X509CertificateLoader.LoadCertificate(certificate.RawData)]));
        app.Run(server.AnswerAsync);
        await app.StartAsync();
        return server;
    }

    /// <summary>The answers to the next reports, in order. What comes without one is answered 200 and empty.</summary>
    public void WillAnswer(params ReadOnlySpan<ScriptedAnswer> answers)
    {
        foreach (var answer in answers)
            _answers.Enqueue(answer);
    }

    /// <summary>The next report that came.</summary>
    public async Task<ScriptedReport> NextReportAsync() => await _reports.Reader.ReadAsync().AsTask().WaitAsync(Guard, TimeProvider.System);

    /// <summary>Reports that came and were not read.</summary>
    public int UnreadReports => _reports.Reader.Count;

    /// <summary>An iPad that is enrolled here; without SCEP, which is not what these tests are about.</summary>
    public async Task<VirtualIPad> EnrolAsync(IPadFleet fleet, IPadDescription? description = null)
    {
        var ipad = fleet.Add(description);
        var url = new Uri(Url, "/mdm");
        var now = TimeProvider.System.GetUtcNow();
        var identity = new CertificateRequest("CN=iPad", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        await ipad.BeginAsync(new EnrolmentProfile
        {
            Identifier = "scripted.enrolment",
            Uuid = Guid.NewGuid().ToString(),
            ServerUrl = url,
            CheckInUrl = url,
            Topic = Topic,
            SignMessage = true,
            CheckOutWhenRemoved = true,
            AccessRights = 8191,
            ServerCapabilities = ["com.apple.mdm.per-user-connections"],
            Scep = new ScepPayload { Url = url, Subject = [], KeySize = 2048, KeyUsage = 5 },
            Roots = [],
        }, new DeviceIdentity(identity), CancellationToken.None);
        return ipad;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _key.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method))
        {
            if (Files.TryGetValue(context.Request.Path, out var file))
                await context.Response.Body.WriteAsync(file);
            else
                context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var message = PlistReader.ReadDict(body.ToArray());
        if (message.Text("MessageType") is { } checkIn)
        {
            CheckIns.Enqueue(checkIn);
            return;
        }
        _reports.Writer.TryWrite(new ScriptedReport(message, body.ToArray(), context.Request.Headers["Mdm-Signature"].ToString()));
        if (!_answers.TryDequeue(out var answer))
            return;
        answer.Meanwhile?.Invoke();
        context.Response.StatusCode = answer.Status;
        if (answer.RetryAfter is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (answer.Body is { } content)
        {
            context.Response.ContentType = answer.ContentType;
            await context.Response.Body.WriteAsync(content);
        }
    }
}

internal sealed record ScriptedReport(PlistDict Message, byte[] Body, string Signature)
{
    public string Status => Message.Text("Status") ?? "";
    public string? CommandUuid => Message.Text("CommandUUID");
}

internal sealed record ScriptedAnswer(int Status, byte[]? Body = null, string ContentType = "application/xml", int? RetryAfter = null)
{
    /// <summary>What happens around the iPad while it waits for this answer.</summary>
    public Action? Meanwhile { get; init; }

    public static ScriptedAnswer Nothing { get; } = new(200);

    public static ScriptedAnswer Command(string uuid, string requestType, params ReadOnlySpan<(string Key, object Value)> keys)
    {
        var command = new PlistDict { ["RequestType"] = requestType };
        foreach (var (key, value) in keys)
            command.Add(key, value);
        return new ScriptedAnswer(200, PlistWriter.Write(new PlistDict { ["CommandUUID"] = uuid, ["Command"] = command }));
    }
}
