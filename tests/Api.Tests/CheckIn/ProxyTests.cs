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
using Microsoft.Extensions.Logging;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>Behind a proxy that ends TLS.</summary>
public sealed class ProxyTests(ProxyTests.Server server) : IClassFixture<ProxyTests.Server>
{
    public sealed class Server : DeviceServer
    {
        public CapturedLog Log { get; } = new();

        /// <summary>Beside the index of the base class's: a second one is refused, so that this is the whole list.</summary>
        protected override IEnumerable<string> Further(TemporaryFolder folder) =>
            ["--Mdm:TrustedProxies:0=127.0.0.1,10.0.0.0/8,::1", "--Mdm:PublicUrl=https://mdm.test", "--Logging:LogLevel:FleetMdm=Information"];

        protected override void Configure(WebApplicationBuilder builder) => builder.Logging.AddProvider(Log);
    }

    public static TheoryData<string> Forms => ["rfc9440", "haproxy", "traefik", "nginx", "apache", "envoy"];

    [Theory, MemberData(nameof(Forms))]
    public async Task The_header_of_each_common_proxy_identifies_an_iPad(string form)
    {
        using var certificate = await server.IssueIdentity();
        var answer = await Put(("Client-Cert", Value(form, certificate)));
        Assert.True(answer.Status == 200, answer.Body);
    }

    private static string Value(string form, X509Certificate2 certificate)
    {
        var base64 = Convert.ToBase64String(certificate.RawData);
        var pem = PemEncoding.WriteString("CERTIFICATE", certificate.RawData) + "\n";
        return form switch
        {
            "rfc9440" => $":{base64}:",
            "haproxy" => base64,
            "traefik" => base64,
            "nginx" => Uri.EscapeDataString(pem),
            "apache" => pem.Trim().Replace('\n', ' '),
            _ => $"Hash=00;Cert=\"{Uri.EscapeDataString(pem)}\";Subject=\"CN=x\"",
        };
    }

    [Fact]
    public async Task A_header_that_is_there_twice_is_refused_whatever_else_proves_the_sender()
    {
        using var certificate = await server.IssueIdentity();
        var value = Value("haproxy", certificate);
        var body = Encoding.UTF8.GetBytes(Message.Authenticate(Guid.NewGuid().ToString()));
        // By hand: .NET's client would make one header of two.
        using var connection = new TcpClient(server.Address.Host, server.Address.Port);
        var stream = connection.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"PUT /mdm/checkin HTTP/1.1\r\nHost: mdm.test\r\nConnection: close\r\nContent-Length: {body.Length}\r\n" +
            $"Client-Cert: {value}\r\nClient-Cert: {value}\r\nMdm-Signature: {DeviceServer.Sign(body, certificate)}\r\n\r\n"));
        await stream.WriteAsync(body);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("identity-several-headers", answer);
        // Two that a proxy on the way folded into one.
        Assert.Equal(400, (await Put(body, ("Client-Cert", $"{value}, {value}"))).Status);
    }

    [Fact]
    public void A_wide_network_is_warned_of_at_the_start() =>
        Assert.Single(server.Log.Lines, line => line.Contains("10.0.0.0/8", StringComparison.Ordinal) && line.Contains("Mdm:TrustedProxies", StringComparison.Ordinal));

    [Theory]
    [InlineData("https", true)]
    [InlineData("http, https", true)]
    [InlineData("https, http", false)]
    [InlineData(null, false)]
    public async Task The_cookie_is_Secure_and_the_browser_told_to_use_TLS_where_the_proxy_says_so(string? forwarded, bool secure)
    {
        var token = await FirstToken.Ensure(server.Grains, server.DataDirectory) ?? (await File.ReadAllTextAsync(Path.Combine(server.DataDirectory, "admin-token"))).Trim();
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/login")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["token"] = token, ["returnUrl"] = "/" }),
        };
        request.Headers.Host = "mdm.test";
        if (forwarded is not null) request.Headers.Add("X-Forwarded-Proto", forwarded);
        // As a browser says it: the page came over TLS, or not.
        request.Headers.Add("Origin", $"{(secure ? "https" : "http")}://mdm.test");
        using var response = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        Assert.Equal(secure, response.Headers.GetValues("Set-Cookie").Single().Contains("; secure", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(secure, response.Headers.Contains("Strict-Transport-Security"));
    }

    [Fact]
    public void Every_option_that_is_a_list_may_be_written_with_commas()
    {
        var lists = typeof(MdmOptions).Assembly.GetTypes()
            .Select(type => (Type: type, Section: type.GetField("Section")?.GetRawConstantValue() as string))
            .Where(options => options.Section is not null)
            .SelectMany(options => options.Type.GetProperties().Where(property => property.PropertyType == typeof(IList<string>))
                .Select(property => $"{options.Section}:{property.Name}"));
        Assert.Equal(lists.Order(), FleetConfiguration.Lists.Order());
    }

    [Fact]
    public void One_value_and_an_index_for_the_same_list_stop_the_start()
    {
        var refusal = Assert.Throws<FleetStartException>(() => ServerHost.Build(["--Mdm:TrustedProxies=127.0.0.1", "--Mdm:TrustedProxies:0=127.0.0.1"]));
        Assert.Contains("--Mdm:TrustedProxies=a,b", refusal.Message);
    }

    private Task<(int Status, string Body)> Put(params (string Name, string Value)[] headers) =>
        Put(Encoding.UTF8.GetBytes(Message.Authenticate(Guid.NewGuid().ToString())), headers);

    private async Task<(int Status, string Body)> Put(byte[] body, params (string Name, string Value)[] headers)
    {
        using var http = new HttpClient { BaseAddress = server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Put, "/mdm/checkin") { Content = new ByteArrayContent(body) };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await http.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
