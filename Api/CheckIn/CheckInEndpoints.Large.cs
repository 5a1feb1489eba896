using System.Text.Json;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.CheckIn;

public sealed partial class CheckInEndpoints
{
    /// <summary>
    /// Asked before more than 64 KiB of a message are taken in. The certificate that the message names must be that of an enrolled iPad, and has few such
    /// messages under way: an iPad sends one at a time. What only the body can prove (Mdm-Signature) is proved when it is here.
    /// </summary>
    internal async ValueTask<IDisposable?> AdmitLarge(HttpContext context)
    {
        try
        {
            var sender = await identity.Presume(context);
            if (!await MaySendLarge(sender.Sha256))
            {
                context.Response.Headers.Connection = "close";
                if (context.Request.ContentLength > options.Value.MaxMessageBytes) await RefuseBody(context, MessageBodyReader.Outcome.TooLarge);
                else await Refuse(context, 403, "not-pinned", "Only enrolled iPads send large messages.");
                return null;
            }

            if (largeSenders.TryBegin(sender.Sha256) is { } begun) return begun;
            context.Response.Headers.Connection = "close";
            await Refuse(context, 503, RefusalReason.Full, "This iPad sends other large messages already; come again.");
        }
        catch (IdentityException e)
        {
            context.Response.Headers.Connection = "close";
            if (context.Request.ContentLength > options.Value.MaxMessageBytes) await RefuseBody(context, MessageBodyReader.Outcome.TooLarge);
            else await RefuseIdentity(context, e);
        }
        catch (Exception e) when (Unavailability.Is(e, context))
        {
            LogUnavailable(e);
            await Refuse(context, 503, RefusalReason.Unavailable, "The server cannot keep a promise now. Nothing was lost; come again.");
        }

        return null;
    }

    /// <summary>The certificate speaks for an enrolment, or renews one that does. What was only issued, was dropped or was withdrawn sends nothing large.</summary>
    private async Task<bool> MaySendLarge(byte[] sha256)
    {
        var standing = await store.FindCertificate(sha256);
        return (standing.Pinned ?? standing.RenewedPinned) is { DroppedAt: null } owner &&
            (await store.Load(owner.DeviceId)).Row?.Status is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled;
    }

    private async Task RefuseIdentity(HttpContext context, IdentityException e)
    {
        var address = clients.Of(context);
        if (_refusedIdentities.IsDue(address)) LogRefusedIdentity(address, e.Message, identity.Presented(context), await identity.Taken());
        await Refuse(context, 400, "identity-" + JsonNamingPolicy.KebabCaseLower.ConvertName(e.Refusal.ToString()), e.Message, log: false);
    }
}
