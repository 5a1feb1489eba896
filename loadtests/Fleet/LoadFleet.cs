using System.Buffers.Binary;
using FleetMdm.LoadTests.Driver;

namespace FleetMdm.LoadTests.Fleet;

/// <summary>Many iPads with what they share.</summary>
public sealed class LoadFleet
{
    private const int TokenLength = 32;

    private readonly LoadIPad[] _ipads;

    public LoadFleet(LoadAuthority authority, LoadIdentity identity, Uri server, string topic, int ipads, string headerName, uint series, bool sticky, params IReadOnlyList<int> ports)
    {
        (Authority, Identity, Topic, HeaderName, Series) = (authority, identity, topic, headerName, series);
        Host = server.Authority;
        Target = new HttpTarget(server, ports);
        Kept = sticky ? Target.Nodes : 1;
        _ipads = new LoadIPad[ipads];
        Parallel.For(0, ipads, number => _ipads[number] = new LoadIPad(this, number));
    }

    public LoadAuthority Authority { get; }
    public LoadIdentity Identity { get; }
    public string Topic { get; }
    public string HeaderName { get; }
    public string Host { get; }
    public HttpTarget Target { get; }

    /// <summary>How many nodes iPads keep to, by their numbers; 1: they come to any.</summary>
    public int Kept { get; }

    /// <summary>The first half of every UDID: fleets on one server differ by it.</summary>
    public uint Series { get; }

    public IReadOnlyList<LoadIPad> IPads => _ipads;

    /// <summary>A push token that tells whose it is.</summary>
    public byte[] Token(int number)
    {
        var token = new byte[TokenLength];
        BinaryPrimitives.WriteUInt32BigEndian(token, Series);
        BinaryPrimitives.WriteInt32BigEndian(token.AsSpan(4), number);
        token[^1] = 1;
        return token;
    }

    /// <summary>A connection for the session of one iPad: the worker's own, or with client certificates one of the iPad's.</summary>
    public T WithConnection<T>(LoadIPad ipad, HttpConnection worker, Func<HttpConnection, T> session)
    {
        if (Identity != LoadIdentity.Mtls) return session(worker);
        using var own = new HttpConnection(Target, ipad.Number, ipad.ForTls);
        return session(own);
    }

    /// <summary>Authenticate, then TokenUpdate, for each iPad.</summary>
    public LoadResult Enrol(int workers, Action<long>? progress = null)
    {
        var turns = new Turns(this, 0, _ipads.Length);
        return Load.Full("Authenticate + TokenUpdate", Target, workers, duration: null, (worker, connection) =>
        {
            if (turns.Next(worker) is not { } ipad) return -1;
            return WithConnection(ipad, connection, c =>
            {
                var status = c.Send(ipad.Authenticate()).Status;
                return status == 200 ? c.Send(ipad.TokenUpdate()).Status : status;
            });
        }, progress);
    }
}
