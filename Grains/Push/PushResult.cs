using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Push;

/// <summary>Words for what becomes of a push, in metrics. APNs' own reasons stand beside them.</summary>
internal static class PushResult
{
    /// <summary>Also stored with the enrolment.</summary>
    public const string Accepted = "accepted";

    public const string NoCertificate = "no-certificate";
    public const string CertificateExpired = "certificate-expired";
    public const string CertificateRefused = "certificate-refused";

    /// <summary>The enrolment was made for another topic than the push certificate's. Also stored with the enrolment.</summary>
    public const string OtherTopic = "OtherTopic";

    /// <summary>The token is none (empty, or far too long). Also stored with the enrolment.</summary>
    public const string NoToken = "NoToken";

    /// <summary>APNs could not be reached, or did not answer, in all tries. Also stored with the enrolment.</summary>
    public const string NoAnswer = PushRecord.NoAnswer;

    /// <summary>A queue of this node was full.</summary>
    public const string Full = "full";

    /// <summary>A push grain could not be reached.</summary>
    public const string GrainFailed = "grain-failed";

    /// <summary>Tried again: not the end of a push.</summary>
    public const string Retried = "retried";
}
