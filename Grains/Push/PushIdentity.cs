using FleetMdm.Protocol.Push;

namespace FleetMdm.Grains.Push;

/// <summary>One version of the push certificate, ready for use. Immutable, and swapped whole.</summary>
internal sealed record PushIdentity(long Version, PushCertificate Certificate)
{
    public string Topic => Certificate.Topic;

    public DateTimeOffset NotAfter => Certificate.NotAfter;
}
