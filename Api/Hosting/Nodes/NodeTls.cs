using System.Security.Authentication;
using FleetMdm.Storage.Secrets;
using Orleans.Configuration;
using Orleans.Connections.Security;

namespace FleetMdm.Api.Hosting.Nodes;

/// <summary>Mutual TLS on the ports by which nodes speak to each other. There is no option to do without: whoever reaches these ports and is
/// believed may do all that an administrator may.</summary>
public static class NodeTls
{
    public static void UseNodeTls(this ISiloBuilder silo, string clusterId)
    {
        var trust = new Later();
        silo.Services.AddSingleton<NodeStrangers>();
        silo.Services.AddOptions<SiloConnectionOptions>().Configure<NodeStrangers>((options, strangers) =>
        {
            options.ConfigureSiloInboundConnection(connection => connection.Use(strangers.Watch));
            options.ConfigureGatewayInboundConnection(connection => connection.Use(strangers.Watch));
        });
        silo.UseTls(options => Set(options, trust));
        silo.Configure<SiloConnectionOptions>(options =>
        {
            options.ConfigureSiloInboundConnection(connection => connection.Use(NodeStrangers.Through));
            options.ConfigureGatewayInboundConnection(connection => connection.Use(NodeStrangers.Through));
        });
        silo.Services.AddNodeTrust(clusterId);
        silo.Services.AddOptions<SiloConnectionOptions>().Configure<NodeTrust>((_, found) => trust.Value = found);
    }

    public static void UseNodeTls(this IClientBuilder client, string clusterId)
    {
        var trust = new Later();
        client.UseTls(options => Set(options, trust));
        client.Services.AddNodeTrust(clusterId);
        client.Services.AddOptions<ClientConnectionOptions>().Configure<NodeTrust>((_, found) => trust.Value = found);
    }

    private static void AddNodeTrust(this IServiceCollection services, string clusterId) =>
        services.AddSingleton(provider => new NodeTrust(
            provider.GetRequiredService<SecretSealer>(), clusterId, provider.GetRequiredService<TimeProvider>()));

    private static void Set(TlsOptions options, Later trust)
    {
        options.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
        options.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        // By the CA alone: nodes are known by their key, not by a name or an address.
        options.RemoteCertificateValidation = (certificate, _, _) => trust.Value.IsNode(certificate);
        options.LocalServerCertificateSelector = (_, _) => trust.Value.Own;
        options.LocalClientCertificateSelector = (_, _, _, _, _) => trust.Value.Own;
        options.OnAuthenticateAsClient = (_, ssl) => ssl.TargetHost = "fleetmdm-node";
    }

    /// <summary>The options of TLS are made before there is a container; they are used after it has made those of the connections.</summary>
    private sealed class Later
    {
        private NodeTrust? _value;

        public NodeTrust Value
        {
            get => _value ?? throw new InvalidOperationException("A connection came before the options of connections.");
            set => _value = value;
        }
    }
}
