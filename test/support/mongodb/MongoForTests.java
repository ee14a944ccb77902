import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.AbstractMongoBackend;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.net.InetSocketAddress;
import java.util.List;

/** A server that speaks MongoDB's protocol, for tests: MongoForTests PORT [FILE]. With a file its data outlives a restart. */
public class MongoForTests {
  public static void main(String[] args) {
    int port = Integer.parseInt(args[0]);
    AbstractMongoBackend backend = args.length < 2 ? new MemoryBackend() : new H2Backend(args[1]);
    backend.version(
        new MongoVersion() {
          public List<Integer> getVersionArray() {
            return List.of(5, 0, 0);
          }

          // It says 8 by itself; today's drivers want 9 and more.
          public int getWireVersion() {
            return 13;
          }
        });
    MongoServer server = new MongoServer(backend);
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
    server.bind(new InetSocketAddress("127.0.0.1", port));
    System.out.println("listening");
  }
}
