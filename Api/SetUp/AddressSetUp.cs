using System.Net;
using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.SetUp;

/// <summary>The address by which iPads come, and whether they trust it.</summary>
internal sealed class AddressSetUp(IOptions<MdmOptions> mdm, IOptions<HttpOptions> http) : ISetUp
{
    private const int Order = 10;

    public Task<IReadOnlyList<SetUpStep>> Find(FleetUser reader)
    {
        var address = mdm.Value.PublicUri;
        var (state, detail) = address.IsLoopback
            ? (SetUpStep.ToDo, $"The address is {address.AbsoluteUri}: no iPad reaches it. Set Mdm:PublicUrl to a name in DNS before the first iPad enrols. It cannot change afterwards.")
            : mdm.Value.PublicUrl is null
            ? (SetUpStep.ToDo, $"The address is {address.AbsoluteUri}, from the name of this machine. Set Mdm:PublicUrl before the first iPad enrols. It cannot change afterwards.")
            : IPAddress.TryParse(address.Host, out _)
            ? (SetUpStep.Look, $"The address is {address.AbsoluteUri}. A name in DNS can move to another machine; a number cannot, and each iPad would have to enrol again.")
            : http.Value.PresentsBuiltInCa
            ? (SetUpStep.Look, $"iPads come to {address.AbsoluteUri}. Its certificate is of the server's own authority: a person must let each iPad trust it. Set Http:CertificateFile to one of a public authority.")
            : (SetUpStep.Done, $"iPads come to {address.AbsoluteUri}.");
        return Task.FromResult<IReadOnlyList<SetUpStep>>([new SetUpStep { Order = Order, Id = "address", Title = "Give the server a name that iPads reach and trust", State = state, Detail = detail }]);
    }
}
