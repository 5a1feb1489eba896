using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.Api.Limits;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>Who may send more than 64 KiB, and how much of it counts.</summary>
public sealed class LargeBodyTests(DeviceServer server) : IClassFixture<DeviceServer>
{
    private const int Large = 100_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private async Task<(string Udid, X509Certificate2 Certificate)> Enrolled()
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        var certificate = await server.IssueIdentity();
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Authenticate(udid), certificate)).Status);
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.TokenUpdate(udid), certificate)).Status);
        return (udid, certificate);
    }

    private static string Report(string udid) =>
        Message.Report(udid, "Acknowledged", Guid.NewGuid().ToString(), $"<key>List</key><string>{new string('a', Large)}</string>");

    private static string ClientCert(X509Certificate2 certificate) => $"Client-Cert: :{Convert.ToBase64String(certificate.RawData)}:\r\n";

    /// <summary>Sends the head of a large message and the beginning of its body.</summary>
    private async Task<Socket> Begin(string header)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(server.Service<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"PUT /mdm/connect HTTP/1.1\r\nHost: x\r\n{header}Content-Length: {Large}\r\n\r\n<?xml"));
        return socket;
    }

    private static async Task<string> AnswerOf(Socket socket)
    {
        using var patience = new CancellationTokenSource(Patience);
        var buffer = new byte[8192];
        var read = await socket.ReceiveAsync(buffer, patience.Token);
        return Encoding.ASCII.GetString(buffer, 0, read);
    }

    [Fact]
    public async Task More_than_64_KiB_of_nobody_are_refused_before_they_are_sent()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var stranger = new CertificateRequest("CN=stranger", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
        foreach (var header in new[] { "", ClientCert(stranger), $"Mdm-Signature: {DeviceServer.Sign([1], stranger)}\r\n", "Mdm-Signature: AAAA\r\n" })
        {
            using var socket = await Begin(header);
            var answer = await AnswerOf(socket);
            Assert.StartsWith("HTTP/1.1 400 ", answer);
            Assert.Contains("Connection: close", answer);
        }

        // A request leaves the gate after it was answered.
        var gate = server.Service<FleetGates>()[Traffic.LargeDevice];
        var started = TimeProvider.System.GetTimestamp();
        while (gate.Running > 0 && TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10))
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        Assert.Equal(0, gate.Running);
    }

    [Fact]
    public async Task A_certificate_that_no_iPad_enrolled_with_or_whose_iPad_left_sends_nothing_large()
    {
        using var unused = await server.IssueIdentity();
        var (udid, left) = await Enrolled();
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Of(udid, "CheckOut", ""), left)).Status);
        foreach (var header in new[] { ClientCert(unused), ClientCert(left), $"Mdm-Signature: {DeviceServer.Sign([1], unused)}\r\n" })
        {
            using var socket = await Begin(header);
            var answer = await AnswerOf(socket);
            Assert.StartsWith("HTTP/1.1 403 ", answer);
            Assert.Contains("Connection: close", answer);
        }
    }

    [Fact]
    public async Task Many_who_announce_much_and_send_little_stop_nobodys_report()
    {
        var (udid, certificate) = await Enrolled();
        var (_, hostile) = await Enrolled();
        var sockets = new List<Socket>();
        for (var i = 0; i < 80; i++) sockets.Add(await Begin(i % 2 == 0 ? "" : ClientCert(hostile)));

        Assert.Equal(200, (await server.Put("/mdm/connect", Report(udid), certificate)).Status);
        sockets.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task A_certificate_has_two_large_messages_under_way_at_most()
    {
        var (udid, certificate) = await Enrolled();
        var gate = server.Service<FleetGates>()[Traffic.LargeDevice];
        Assert.True(SpinWait.SpinUntil(() => gate.Running == 0, Patience));
        using var first = await Begin(ClientCert(certificate));
        using var second = await Begin(ClientCert(certificate));
        Assert.True(SpinWait.SpinUntil(() => gate.Running >= 2, Patience));

        using var third = await Begin(ClientCert(certificate));
        var answer = await AnswerOf(third);
        Assert.StartsWith("HTTP/1.1 503 ", answer);
        Assert.Contains("Retry-After", answer);

        // When one of them is broken off, there is room again.
        first.Dispose();
        Assert.True(SpinWait.SpinUntil(() => gate.Running < 2, Patience));
        var again = 503;
        for (var tries = 0; again == 503 && tries < 100; tries++) again = (await server.Put("/mdm/connect", Report(udid), certificate)).Status;
        Assert.Equal(200, again);
    }

    [Fact]
    public async Task A_large_message_that_is_signed_is_taken_and_one_signed_over_another_body_is_not()
    {
        var (udid, certificate) = await Enrolled();
        var body = Encoding.UTF8.GetBytes(Report(udid));
        Assert.Equal(200, (await server.Put("/mdm/connect", body, ("Mdm-Signature", DeviceServer.Sign(body, certificate)))).Status);
        var refused = await server.Put("/mdm/connect", body, ("Mdm-Signature", DeviceServer.Sign([1, 2, 3], certificate)));
        Assert.Equal(400, refused.Status);
        Assert.Contains("identity-wrong-body", refused.Body);
    }
}
