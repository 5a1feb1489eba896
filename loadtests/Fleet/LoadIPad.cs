using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.LoadTests.Driver;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.LoadTests.Fleet;

/// <summary>How an iPad of the load test proves who it is.</summary>
public enum LoadIdentity
{
    /// <summary>A proxy in front of the server ended TLS and tells the certificate in a header (RFC 9440).</summary>
    Header,
    /// <summary>The <c>Mdm-Signature</c> header.</summary>
    Signature,
    /// <summary>The client certificate of the TLS connection: a connection of its own for each session of an iPad.</summary>
    Mtls,
}

/// <summary>
/// An iPad that does only what a load test needs: its messages are whole requests, made once where they are always the same. What it was handed
/// and what it acknowledged is remembered, to tell afterwards whether anything was lost, doubled or out of order.
/// </summary>
public sealed class LoadIPad
{
    private readonly LoadFleet _fleet;
    private readonly byte[] _certificate;
    private readonly List<string> _acknowledged = [];
    private byte[]? _idle;
    private byte[]? _report;
    private (int At, int Length) _reported;
    private string? _identity;
    private X509Certificate2? _withKey;
    private SslStreamCertificateContext? _forTls;

    public LoadIPad(LoadFleet fleet, int number)
    {
        _fleet = fleet;
        Number = number;
        Udid = $"{fleet.Series:X8}-{number:X16}";
        _certificate = fleet.Authority.Issue(number);
    }

    public int Number { get; }

    public string Udid { get; }

    /// <summary>CommandUUIDs whose Acknowledged was answered 200, in that order.</summary>
    public IReadOnlyList<string> Acknowledged => _acknowledged;

    /// <summary>A command that was handed out again although its Acknowledged had been answered.</summary>
    public int Repeated { get; private set; }

    public X509Certificate2 WithKey => _withKey ??= _fleet.Authority.WithKey(Number, _certificate);

    /// <summary>One for all its connections, so that they may resume a session.</summary>
    public SslStreamCertificateContext ForTls => _forTls ??= SslStreamCertificateContext.Create(WithKey, null, offline: true);

    public byte[] Idle => _idle ??= Request(Messages.Idle(Udid), Messages.ConnectPath);

    public byte[] Authenticate() => Request(Messages.Authenticate(Udid, _fleet.Topic, Number), Messages.CheckInPath);

    public byte[] TokenUpdate() => Request(Messages.TokenUpdate(Udid, _fleet.Topic, _fleet.Token(Number)), Messages.CheckInPath);

    /// <summary>A message of declarative management, made anew each time.</summary>
    /// <param name="data">JSON; null: none.</param>
    public byte[] DeclarativeManagement(string endpoint, byte[]? data = null) => Request(Messages.DeclarativeManagement(Udid, endpoint, data), Messages.CheckInPath);

    /// <remarks>The same bytes each time but for the UUID, since making the request anew costs the driver as much as receiving the answer: good until
    /// the next call.</remarks>
    public byte[] Report(string commandUuid)
    {
        if (_report is not null && commandUuid.Length == _reported.Length && _fleet.Identity != LoadIdentity.Signature)
        {
            Encoding.UTF8.GetBytes(commandUuid, _report.AsSpan(_reported.At));
            return _report;
        }

        _report = Request(Messages.Acknowledged(Udid, commandUuid), Messages.ConnectPath);
        _reported = (_report.AsSpan().IndexOf(Encoding.UTF8.GetBytes(commandUuid)), commandUuid.Length);
        return _report;
    }

    /// <summary>An Acknowledged with an answer in it, made anew each time.</summary>
    public byte[] Report(string commandUuid, string answer) => Request(Messages.Acknowledged(Udid, commandUuid, answer), Messages.ConnectPath);

    /// <summary>Sends Idle, then gives the same answer to whatever comes, until the server has nothing more. Returns the last status.</summary>
    public int Session(HttpConnection connection, string answer)
    {
        var reply = connection.Send(Idle);
        while (reply.Status == 200 && !reply.Body.IsEmpty)
        {
            var uuid = Handed(reply.Body.Span);
            reply = connection.Send(Report(uuid, answer));
            if (reply.Status == 200) Took(uuid);
        }

        return reply.Status;
    }

    /// <summary>Sends Idle, then acknowledges whatever comes, until the server has nothing more or <paramref name="most"/> were done. Returns how many commands.</summary>
    /// <exception cref="IOException">No answer, or not 200.</exception>
    public int Session(HttpConnection connection, int most = int.MaxValue)
    {
        var done = 0;
        var answer = connection.Send(Idle);
        while (true)
        {
            if (answer.Status != 200) throw new IOException($"{Udid} was answered {answer.Status}.");
            if (answer.Body.IsEmpty || done == most) return done;
            var uuid = Handed(answer.Body.Span);
            answer = connection.Send(Report(uuid));
            if (answer.Status != 200) continue;
            Took(uuid);
            done++;
        }
    }

    /// <summary>The CommandUUID of an answer's command.</summary>
    public string Handed(ReadOnlySpan<byte> body)
    {
        var uuid = Messages.CommandUuid(body);
        // Compared with the newest only: a queue hands out in order, and a long list would make the driver slow.
        if (_acknowledged.Count > 0 && _acknowledged[^1] == uuid) Repeated++;
        return uuid;
    }

    /// <summary>Its Acknowledged was answered 200.</summary>
    public void Took(string commandUuid) => _acknowledged.Add(commandUuid);

    private byte[] Request(string body, string path)
    {
        var bytes = Encoding.UTF8.GetByteCount(body);
        var head = new StringBuilder(2048)
            .Append("PUT ").Append(path).Append(" HTTP/1.1\r\nHost: ").Append(_fleet.Host)
            .Append("\r\nContent-Type: ").Append(path == Messages.CheckInPath ? "application/x-apple-aspen-mdm-checkin" : "application/x-apple-aspen-mdm")
            .Append("\r\nContent-Length: ").Append(bytes);
        switch (_fleet.Identity)
        {
            case LoadIdentity.Header:
                head.Append("\r\n").Append(_fleet.HeaderName).Append(": ").Append(_identity ??= $":{Convert.ToBase64String(_certificate)}:");
                break;
            case LoadIdentity.Signature:
                head.Append("\r\nMdm-Signature: ").Append(MdmSignature.Sign(Encoding.UTF8.GetBytes(body), WithKey));
                break;
        }

        return Encoding.UTF8.GetBytes(head.Append("\r\n\r\n").Append(body).ToString());
    }
}
