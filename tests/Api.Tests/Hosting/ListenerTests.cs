using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Silo.Hosting;
using FleetMdm.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Api.Tests.Hosting;

/// <summary>Where the server listens, and what it presents there.</summary>
public sealed class ListenerTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder = new();

    private async Task<(WebApplication App, Uri[] Listeners)> Start(params string[] options)
    {
        var app = ServerHost.Build([$"--Storage:DataDirectory={_folder.File("data")}", "--Logging:LogLevel:FleetMdm=Error", .. options]);
        await FleetProcess.Start(app, CancellationToken.None);
        return (app, [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a))]);
    }

    private static async Task<int> Status(Uri listener, string path, HttpMethod? method = null)
    {
        using var http = new HttpClient { BaseAddress = listener };
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        using var response = await http.SendAsync(request);
        return (int)response.StatusCode;
    }

    /// <summary>A person whose browser holds certificates (802.1X) would have to choose one before the console opens.</summary>
    [Fact]
    public async Task Only_iPads_are_asked_for_a_certificate_where_administrators_have_a_listener_of_their_own()
    {
        var (app, listeners) = await Start("--Http:Listen=https://127.0.0.1:0", "--Http:AdminListen=https://127.0.0.1:0");
        await using (app)
        {
            // openssl says which signatures a server that asks for a certificate would take.
            Assert.Contains("Requested Signature Algorithms", await Handshake(listeners[0]), StringComparison.Ordinal);
            Assert.DoesNotContain("Requested Signature Algorithms", await Handshake(listeners[1]), StringComparison.Ordinal);
        }

        static async Task<string> Handshake(Uri listener)
        {
            using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("openssl", ["s_client", "-connect", $"{listener.Host}:{listener.Port}"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            process.StandardInput.Close();
            var error = process.StandardError.ReadToEndAsync();
            var said = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(said.Contains("Cipher is ", StringComparison.Ordinal), said + await error);
            return said;
        }
    }

    [Fact]
    public async Task With_a_listener_of_their_own_administrators_are_served_there_and_iPads_on_theirs()
    {
        var (app, listeners) = await Start("--Http:Listen=http://127.0.0.1:0", "--Http:AdminListen=http://127.0.0.1:0");
        await using (app)
        {
            var (device, admin) = (listeners[0], listeners[1]);
            Assert.Equal(400, await Status(device, "/mdm/connect", HttpMethod.Put));
            Assert.Equal(200, await Status(device, "/ca.pem"));
            Assert.Equal(404, await Status(device, "/api/v1/status"));
            Assert.Equal(404, await Status(device, "/login"));
            Assert.Equal(404, await Status(device, "/", HttpMethod.Post));
            using var reader = new HttpClient();
            var front = await reader.GetStringAsync(device);
            Assert.Contains("An address for iPads", front, StringComparison.Ordinal);
            Assert.DoesNotContain("FleetMdm", front, StringComparison.Ordinal);
            Assert.Equal(404, await Status(device, "/metrics"));
            Assert.Equal(200, await Status(device, "/health/ready"));

            Assert.Equal(401, await Status(admin, "/api/v1/status"));
            Assert.Equal(200, await Status(admin, "/login"));
            Assert.Equal(404, await Status(admin, "/mdm/connect", HttpMethod.Put));
            Assert.Equal(404, await Status(admin, "/ca.pem"));
            Assert.Equal(200, await Status(admin, "/health/ready"));
        }
    }

    [Fact]
    public async Task With_one_listener_both_sides_are_served_there()
    {
        var (app, listeners) = await Start("--Http:Listen=http://127.0.0.1:0");
        await using (app)
        {
            Assert.Equal(400, await Status(Assert.Single(listeners), "/mdm/connect", HttpMethod.Put));
            Assert.Equal(401, await Status(listeners[0], "/api/v1/status"));
        }
    }

    [Fact]
    public async Task The_listener_that_redirects_sends_readers_to_the_public_url_and_serves_nothing()
    {
        var (app, listeners) = await Start(
            "--Http:Listen=https://127.0.0.1:0", "--Http:RedirectListen=http://127.0.0.1:0", "--Mdm:PublicUrl=https://mdm.district.example:8443");
        await using (app)
        {
            var plain = listeners[1];
            foreach (var (request, location) in new[]
            {
                ("GET /", "https://mdm.district.example:8443/"),
                ("HEAD /ipads?q=a%20b&after=c", "https://mdm.district.example:8443/ipads?q=a%20b&after=c"),
                ("GET /enroll/abc", "https://mdm.district.example:8443/enroll/abc"),
                ("GET //evil.example/x", "https://mdm.district.example:8443//evil.example/x"),
                ("GET http://evil.example/x", "https://mdm.district.example:8443/x"),
                ("GET /\\evil.example", "https://mdm.district.example:8443/%5Cevil.example"),
                ("GET /%0d%0aSet-Cookie:a=b", "https://mdm.district.example:8443/%0D%0ASet-Cookie:a=b"),
            })
            {
                var answer = await Raw(plain, request);
                Assert.StartsWith("HTTP/1.1 301 ", answer);
                Assert.Contains($"\r\nLocation: {location}\r\n", answer);
                Assert.DoesNotContain("\r\nSet-Cookie", answer);
            }

            foreach (var request in new[] { "POST /api/v1/tokens", "PUT /mdm/checkin", "DELETE /", "OPTIONS /", "TRACE /" })
            {
                var answer = await Raw(plain, request);
                Assert.StartsWith("HTTP/1.1 405 ", answer);
                Assert.Contains("\r\nAllow: GET, HEAD\r\n", answer);
            }

            using var http = Careless();
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri(listeners[0], "/login"))).StatusCode);
        }
    }

    /// <summary>The answer's head to a request line as it stands, with a Host that is not ours.</summary>
    private static async Task<string> Raw(Uri listener, string requestLine)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, listener.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"{requestLine} HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        return await reader.ReadToEndAsync();
    }

    [Theory]
    [InlineData(true, "--Http:Listen=https://127.0.0.1:0")]
    [InlineData(false, "--Http:Listen=http://127.0.0.1:0")]
    [InlineData(false, "--Http:Listen=https://127.0.0.1:0", "a certificate")]
    public async Task The_trust_step_stands_where_the_certificate_is_the_built_in_authoritys(bool shown, string listen, string? own = null)
    {
        using var certificate = MakeCertificate();
        var (app, listeners) = await Start([listen, "--Mdm:PublicUrl=https://mdm.district.example", .. own is null ? [] : Write(certificate, "one PEM file")]);
        await using (app)
        {
            using var http = Careless();
            http.DefaultRequestHeaders.Authorization = new("Bearer", await FirstToken.Ensure(app.Services.GetRequiredService<IGrainFactory>(), _folder.File("data")));
            using var form = new FormUrlEncodedContent([new("key", "a"), new("name", "Trust")]);
            using var made = await http.PostAsync(new Uri(listeners[0], "/invitations"), form);
            foreach (var path in new[] { "/", (await Invitations(http, listeners[0])).Single() })
            {
                var page = await http.GetStringAsync(new Uri(listeners[0], path));
                Assert.Equal(shown, page.Contains("Certificate Trust Settings", StringComparison.Ordinal));
                Assert.Equal(shown, page.Contains("href=\"https://mdm.district.example/trust\"", StringComparison.Ordinal));
            }

            Assert.Equal(shown, (await http.GetStringAsync(new Uri(listeners[0], "/MDMServiceConfig"))).Contains("trust_profile_url", StringComparison.Ordinal));
        }
    }

    private static async Task<IEnumerable<string>> Invitations(HttpClient http, Uri listener) =>
        (await http.GetStringAsync(new Uri(listener, "/invitations"))).Split("href=\"")[1..].Select(rest => rest.Split('"')[0])
            .Where(path => path.StartsWith("/invitations/", StringComparison.Ordinal) && path != "/invitations/new");

    [Fact]
    public async Task Metrics_need_a_token_unless_they_are_opened()
    {
        var (closed, listeners) = await Start("--Http:Listen=http://127.0.0.1:0");
        await using (closed) Assert.Equal(401, await Status(listeners[0], "/metrics"));
        var (open, openListeners) = await Start("--Http:Listen=http://127.0.0.1:0", "--Metrics:AllowAnonymous=true");
        await using (open) Assert.Equal(200, await Status(openListeners[0], "/metrics"));
    }

    [Theory]
    [InlineData("one PEM file")]
    [InlineData("two PEM files")]
    [InlineData("PKCS#12")]
    public async Task A_certificate_of_ones_own_is_presented_and_nothing_is_to_be_trusted_beforehand(string form)
    {
        using var certificate = MakeCertificate();
        var (app, listeners) = await Start(["--Http:Listen=https://127.0.0.1:0", .. Write(certificate, form)]);
        await using (app)
        {
            Assert.Equal(certificate.Thumbprint, await Presented(listeners[0]));
            using var http = Careless();
            Assert.DoesNotContain("trust_profile_url", await http.GetStringAsync(new Uri(listeners[0], "/MDMServiceConfig")));
        }
    }

    [Fact]
    public async Task A_changed_certificate_file_is_used_for_new_connections_within_a_minute()
    {
        using var first = MakeCertificate();
        using var second = MakeCertificate();
        var (app, _) = await Start(["--Http:Listen=https://127.0.0.1:0", .. Write(first, "one PEM file")]);
        await using (app)
        {
            var clock = new FakeTimeProvider();
            using var certificates = ActivatorUtilities.CreateInstance<ServerCertificates>(app.Services, clock);
            certificates.Load();
            await certificates.StartAsync(CancellationToken.None);

            // A file that cannot be used changes nothing.
            File.WriteAllText(_folder.File("server.pem"), "not a certificate");
            File.SetLastWriteTimeUtc(_folder.File("server.pem"), File.GetLastWriteTimeUtc(_folder.File("server.pem")).AddSeconds(5));
            clock.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(first.Thumbprint, await Current());

            Write(second, "one PEM file");
            File.SetLastWriteTimeUtc(_folder.File("server.pem"), File.GetLastWriteTimeUtc(_folder.File("server.pem")).AddSeconds(10));
            using var patience = new CancellationTokenSource(Patience);
            while (await Current() != second.Thumbprint)
            {
                clock.Advance(TimeSpan.FromMinutes(1));
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
            }

            await certificates.StopAsync(CancellationToken.None);

            async Task<string> Current() => (await certificates.Options(askForClientCertificate: true)).ServerCertificateContext!.TargetCertificate.Thumbprint;
        }
    }

    public void Dispose() => _folder.Dispose();

    private string[] Write(X509Certificate2 certificate, string form)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        switch (form)
        {
            case "one PEM file":
                File.WriteAllText(_folder.File("server.pem"), certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
                return [$"--Http:CertificateFile={_folder.File("server.pem")}"];
            case "two PEM files":
                File.WriteAllText(_folder.File("server.crt"), certificate.ExportCertificatePem());
                File.WriteAllText(_folder.File("server.key"), key.ExportEncryptedPkcs8PrivateKeyPem(
                    "secret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 10_000)));
                return
                [
                    $"--Http:CertificateFile={_folder.File("server.crt")}", $"--Http:CertificateKeyFile={_folder.File("server.key")}",
                    "--Http:CertificatePassword=secret",
                ];
            default:
                File.WriteAllBytes(_folder.File("server.p12"), certificate.Export(X509ContentType.Pkcs12, "secret"));
                return [$"--Http:CertificateFile={_folder.File("server.p12")}", "--Http:CertificatePassword=secret"];
        }
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mdm.district.example", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(90));
    }

    private static async Task<string?> Presented(Uri listener)
    {
        string? thumbprint = null;
        using var http = Careless(certificate => thumbprint = certificate.Thumbprint);
        using var response = await http.GetAsync(new Uri(listener, "/health/live"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return thumbprint;
    }

    private static HttpClient Careless(Action<X509Certificate2>? seen = null) => new(new SocketsHttpHandler
    {
        SslOptions =
        {
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                seen?.Invoke((X509Certificate2)certificate!);
                return true;
            },
        },
    });
}
